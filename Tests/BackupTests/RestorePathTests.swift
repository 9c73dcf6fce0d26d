// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// Paths of restored files.
struct RestorePathTests {
  @Test(arguments: [
    ("/a/b.img", "/a", "b.img"), ("/b.img", "/", "b.img"), ("/a/b/c", "/a/b", "c"),
    ("/a/", "/a", ""),
    ("/a/\u{301}b", "/a", "\u{301}b"), ("/\u{301}", "/", "\u{301}"),
  ])
  func `a path is divided at its last slash, whatever accent follows it`(
    path: String, directory: String, name: String
  ) {
    let parts = Paths.split(path)
    #expect(parts.directory == directory)
    #expect(parts.name == name)
  }
}
