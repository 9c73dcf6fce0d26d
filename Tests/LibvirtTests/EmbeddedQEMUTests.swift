// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Libvirt
import Testing

@Suite(
  .serialized,
  .enabled(if: EmbeddedQEMU.isAvailable, "QEMU or libvirt's driver for it is not installed"))
struct EmbeddedQEMUTests {
  @Test func `A guest is talked to, heard, handed descriptors, and gone`() async throws {
    try await withTemporaryDirectory { directory in
      EmbeddedQEMU.prepare(directory)
      defer { EmbeddedQEMU.cleanUp(directory) }
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        EmbeddedQEMU.withGuest(in: directory) { connection, domain in
          // VIR_DOMAIN_PAUSED_STARTING_UP or _USER: which of them is libvirt's affair.
          #expect(try domain.state.state == .paused)
          #expect(try !domain.isPersistent)
          #expect(try domain.jobType == .none)

          let version = try domain.qemuMonitorCommand(#"{"execute":"query-version"}"#)
          #expect(version.contains(#""return""#))
          #expect(version.contains(#""major""#))

          let refusal = try domain.qemuMonitorCommand(#"{"execute":"no-such-command"}"#)
          #expect(refusal.contains(#""error""#))
          #expect(refusal.contains("CommandNotFound"))

          var ends: [Int32] = [0, 0]
          try #require(pipe(&ends) == 0)
          let added = try domain.qemuMonitorCommand(
            #"{"execute":"add-fd","arguments":{"fdset-id":7,"opaque":"ours"}}"#,
            descriptors: [ends[0]])
          #expect(added.contains(#""fdset-id":7"#))
          #expect(
            try domain.qemuMonitorCommand(#"{"execute":"query-fdsets"}"#).contains(#""ours""#))
          // Ours is still ours.
          #expect(close(ends[0]) == 0)
          #expect(close(ends[1]) == 0)

          let events = try connection.monitorEvents(of: domain)
          let lives = try connection.lifecycleEvents(of: domain)
          try domain.resume()
          let resume = try #require(events.next(timeoutMilliseconds: 10_000))
          #expect(resume.name == "RESUME")
          #expect(resume.details == nil)
          #expect(abs(Double(resume.seconds) - Date.now.timeIntervalSince1970) < 60)
          #expect(resume.microseconds < 1_000_000)
          try domain.suspend()
          #expect(events.next(timeoutMilliseconds: 10_000)?.name == "STOP")
          #expect(lives.next(timeoutMilliseconds: 10_000)?.kind == .resumed)
          #expect(lives.next(timeoutMilliseconds: 10_000)?.kind == .suspended)

          _ = try domain.qemuMonitorCommand(#"{"execute":"system_reset"}"#)
          let reset = try #require(events.next(timeoutMilliseconds: 10_000))
          #expect(reset.name == "RESET")
          #expect(reset.details?.contains(#""reason""#) == true)
          events.cancel()

          try domain.destroy()
          let gone = #expect(throws: LibvirtError.self) {
            try domain.qemuMonitorCommand(#"{"execute":"query-version"}"#)
          }
          #expect(gone?.code == .noDomain || gone?.code == .operationInvalid)
          #expect(try connection.domains().isEmpty)
        }
      }
    }
  }
}
