// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@Suite struct PoolsTests {
  @Test(arguments: [
    "/", "//", "/dev", "/dev/shm", "/etc", "//etc/x", "/proc/self", "/sys", "/usr/local/backups",
    "/var/../etc", "/var/lib/..", "/..", "/etc/\u{301}", "/var/../\u{301}",
  ])
  func `directories of the system are refused`(directory: String) throws {
    let shell = try CommandShell()
    #expect(!shell.run("backup-list --pool \(directory)"))
    #expect(shell.err.hasPrefix("error: backups cannot be kept in '\(directory)'\n"))
    #expect(shell.out == "\n")
  }

  @Test func `a pool that does not exist is shown being made`() throws {
    let shell = try CommandShell()
    #expect(!shell.run("backup-list --pool 'my backups'"))
    #expect(
      shell.err == """
        error: Storage pool not found: no storage pool with matching name 'my backups'
        These commands make one (choose the directory):
          pool-define-as 'my backups' dir --target /var/lib/libvirt/backups
          pool-build 'my backups'
          pool-start 'my backups'
          pool-autostart 'my backups'

        """)
  }
}
