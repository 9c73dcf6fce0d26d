// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import QMP

/// Commands as they go over the wire.
struct CommandTests {
  @Test(arguments: [
    (Command.blockdevDel("vb-1"), #"{"arguments":{"node-name":"vb-1"},"execute":"blockdev-del"}"#),
    (Command("query-jobs"), #"{"execute":"query-jobs"}"#),
    (
      Command.addFd(set: nil, opaque: "f"),
      #"{"arguments":{"opaque":"f"},"execute":"add-fd"}"#
    ),
    (
      Command.addFd(set: 3, opaque: "f"),
      #"{"arguments":{"fdset-id":3,"opaque":"f"},"execute":"add-fd"}"#
    ),
    (Command.removeFd(set: 3), #"{"arguments":{"fdset-id":3},"execute":"remove-fd"}"#),
    (Command.jobCancel("j"), #"{"arguments":{"id":"j"},"execute":"job-cancel"}"#),
    (Command.jobFinalize("j"), #"{"arguments":{"id":"j"},"execute":"job-finalize"}"#),
    (Command.jobDismiss("j"), #"{"arguments":{"id":"j"},"execute":"job-dismiss"}"#),
    (Command.endMirror("j"), #"{"arguments":{"device":"j"},"execute":"block-job-cancel"}"#),
    (
      Command.setDrive(device: "/machine/x", node: "n"),
      #"{"arguments":{"path":"/machine/x","property":"drive","value":"n"},"execute":"qom-set"}"#
    ),
    (
      Command.blockdevAdd(.file("n", filename: "/a b", access: .directNative)),
      #"{"arguments":{"aio":"native","cache":{"direct":true},"discard":"unmap","driver":"file","#
        + #""filename":"/a b","node-name":"n","read-only":false},"execute":"blockdev-add"}"#
    ),
    (
      Command.blockdevAdd(.image("n", format: "qcow2", file: "f", access: .buffered)),
      #"{"arguments":{"backing":null,"detect-zeroes":"unmap","discard":"unmap","driver":"qcow2","#
        + #""file":"f","node-name":"n"},"execute":"blockdev-add"}"#
    ),
    (
      Command.blockdevAdd(.image("n", format: "raw", file: "f", access: .directIOUring)),
      #"{"arguments":{"cache":{"direct":true},"detect-zeroes":"unmap","discard":"unmap","#
        + #""driver":"raw","file":"f","node-name":"n"},"execute":"blockdev-add"}"#
    ),
  ])
  func `a command is one line of JSON, members sorted`(command: Command, json: String) {
    #expect(command.json == json)
  }

  static let exports: [(Command, String)] = [
    (
      Command.nbdServerStart(.unix(path: "/run/a b.sock"), tlsCredentials: nil),
      #"{"arguments":{"addr":{"data":{"path":"/run/a b.sock"},"type":"unix"}},"#
        + #""execute":"nbd-server-start"}"#
    ),
    (
      Command.nbdServerStart(.inet(host: "::1", port: 10809), tlsCredentials: "t"),
      #"{"arguments":{"addr":{"data":{"host":"::1","port":"10809"},"type":"inet"},"#
        + #""tls-creds":"t"},"execute":"nbd-server-start"}"#
    ),
    (Command.nbdServerStop, #"{"execute":"nbd-server-stop"}"#),
    (
      Command.blockExportAdd(NBDExport(id: "e", node: "n", name: "vda", bitmap: nil)),
      #"{"arguments":{"id":"e","name":"vda","node-name":"n","type":"nbd","writable":false},"#
        + #""execute":"block-export-add"}"#
    ),
    (
      Command.blockExportAdd(NBDExport(id: "e", node: "n", name: "vda", bitmap: "b")),
      #"{"arguments":{"bitmaps":[{"name":"b","node":"n"}],"id":"e","name":"vda","node-name":"n","#
        + #""type":"nbd","writable":false},"execute":"block-export-add"}"#
    ),
    (
      Command.blockExportDel("e"),
      #"{"arguments":{"id":"e","mode":"hard"},"execute":"block-export-del"}"#
    ),
    (
      Command.addTLSCredentials("t", directory: "/etc/pki/qemu"),
      #"{"arguments":{"dir":"/etc/pki/qemu","endpoint":"server","id":"t","#
        + #""qom-type":"tls-creds-x509","verify-peer":true},"execute":"object-add"}"#
    ),
    (Command.objectDel("t"), #"{"arguments":{"id":"t"},"execute":"object-del"}"#),
  ]

  @Test(arguments: exports)
  func `an export is one line of JSON too`(command: Command, json: String) {
    #expect(command.json == json)
  }

  @Test
  func `what a user names cannot leave its string`() {
    let name = "a\"},{\"x\":\"\\ \n\u{1}ü🙂</"
    let json = Command.blockdevDel(name).json
    #expect(!json.contains("\n"))
    #expect(json.contains(#"a\"},{\"x\":\"\\ \n\u0001ü🙂</"#), "\(json)")
  }

  @Test
  func `a copy is limited only when asked`() {
    var job = BlockdevBackup(
      jobID: "j", device: "d", target: "t", bitmap: nil, filterNodeName: "f")
    #expect(job.members["speed"] == nil && job.members["bitmap"] == nil)
    #expect(job.members["x-perf"] == nil)
    job.speed = 1 << 20
    job.maxWorkers = 4
    #expect(job.members["x-perf"] == ["max-workers": 4])
    job.bitmap = "b"
    #expect(job.members["speed"] == 1_048_576)
    #expect(job.members["sync"] == "bitmap" && job.members["bitmap-mode"] == "never")
  }
}
