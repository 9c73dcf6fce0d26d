// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// The file systems of this machine.
package enum FileSystem {
  /// Has all that was written to a file system reach the disk, also to files that we may not open.
  ///
  /// The corresponding system call is `syncfs`.
  ///
  /// - Parameter descriptor: An open file or directory of it.
  /// - Returns: 0; -1 where the disk did not take something, and `errno` says why.
  package static func synchronize(containing descriptor: Int32) -> Int32 {
    virshBackupSyncFileSystem(descriptor)
  }

  /// Has two files swap their names, at once.
  ///
  /// The corresponding system call is `renameat2` with `RENAME_EXCHANGE`.
  ///
  /// - Parameters:
  ///   - first: Path of one.
  ///   - second: Path of the other, in the same file system.
  /// - Returns: 0; -1 where that is not possible, and `errno` says why: `EINVAL` where the file system
  ///   knows no such thing.
  package static func exchange(_ first: String, _ second: String) -> Int32 {
    unsafe virshBackupExchange(first, second)
  }
}
