// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// What the names of backing files mean.
struct BackingNameTests {
  @Test(arguments: [
    ("base.qcow2", ["/pool/base.qcow2"]), ("./a/../base.qcow2", ["/pool/base.qcow2"]),
    ("../other/b", ["/other/b"]), ("/x/y", ["/x/y"]), ("file:/x/y", ["/x/y"]),
    ("file:y", ["/pool/y"]), ("", []), ("nbd://host/x", []), ("nbd:unix:/run/s", []),
    ("a:b", []), ("/a:b", ["/a:b"]), ("./a:b", ["/pool/a:b"]), ("../../../../x", ["/x"]),
    (#"json:{"driver":"qcow2","file":{"driver":"file","filename":"/x/y"}}"#, ["/x/y"]),
    (#"json:{"file.filename":"y"}"#, ["/pool/y"]), ("json:{", []), ("json:[1]", []),
    (#"json:{"filename":"nbd://host/x"}"#, []),
  ])
  func `a name means files`(name: String, paths: [String]) {
    #expect(BackingName(name).paths(in: "/pool") == paths)
  }
}
