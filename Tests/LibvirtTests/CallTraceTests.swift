// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

#if DEBUG
  import Glibc
  import Testing

  @testable import Libvirt

  @Suite struct CallTraceTests {
    /// Makes five calls under a trace.
    private static func run(in directory: String, _ variable: String, _ value: String) throws {
      setenv(variable, value, 1)
      let connection = try Connection.open(uri: "test://\(directory)/node.xml")
      let domain = try connection.domain(name: "web1")
      // These two do not count: they only read the handle.
      guard domain.id != nil, try connection.isAlive else { exit(1) }
      try domain.suspend()
      guard try domain.state.state == .paused else { exit(1) }
      _ = try? domain.qemuMonitorCommand(#"{"execute": "query-jobs", "id": 1}"#)
    }

    @Test(arguments: ["VIRSH_BACKUP_KILL_AT", "VIRSH_BACKUP_KILL_BEFORE"])
    func `A process dies at the call it was told`(variable: String) async throws {
      try await withTemporaryDirectory { directory in
        _ = try TestNode.make(in: directory)
        await #expect(processExitsWith: .signal(SIGKILL)) {
          [directory = directory as String, variable] in
          try CallTraceTests.run(in: directory, variable, "5")
        }
      }
    }

    @Test(arguments: ["VIRSH_BACKUP_KILL_AT", "VIRSH_BACKUP_KILL_BEFORE"])
    func `A process lives that makes fewer calls than that`(variable: String) async throws {
      try await withTemporaryDirectory { directory in
        _ = try TestNode.make(in: directory)
        await #expect(processExitsWith: .exitCode(7)) {
          [directory = directory as String, variable] in
          try CallTraceTests.run(in: directory, variable, "6")
          exit(7)
        }
      }
    }

    @Test func `Calls are counted and written down, with the name of a monitor command`()
      async throws
    {
      try await withTemporaryDirectory { directory in
        let uri = try TestNode.make(in: directory)
        await #expect(processExitsWith: .exitCode(7)) { [directory = directory as String] in
          let file = "\(directory)/trace"
          try CallTraceTests.run(in: directory, "VIRSH_BACKUP_TRACE_CALLS", file)
          exit(CallTrace.total == 5 && CallTrace.counts["virDomainSuspend"] == 1 ? 7 : 1)
        }
        #expect(
          read("\(directory)/trace") == """
            1 virConnectOpenAuth \(uri)
            2 virDomainLookupByName web1
            3 virDomainSuspend web1
            4 virDomainGetState web1
            5 virDomainQemuMonitorCommand query-jobs

            """)
      }
    }

    @Test(arguments: [
      (#"{"execute":"query-jobs"}"#, "query-jobs"),
      (#"{ "id" : 7, "execute" :  "stop", "arguments": {} }"#, "stop"),
      (#"{"id":"\"execute\"","execute":"cont"}"#, "cont"),
      ("{}", ""),
      ("", ""),
    ])
    func `The name of a command is found in its text`(json: String, name: String) {
      #expect(CallTrace.commandName(in: json) == name)
    }
  }
#endif
