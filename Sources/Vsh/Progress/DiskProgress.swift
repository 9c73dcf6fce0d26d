// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How far the work on one disk is.
package struct DiskProgress: Sendable, Equatable {
  /// The disk, as the user knows it.
  package var name: String
  /// Bytes that are done.
  package var done: UInt64
  /// Bytes in all, as far as is known.
  package var total: UInt64

  /// Makes the state of a disk.
  package init(name: String, done: UInt64, total: UInt64) {
    self.name = name
    self.done = done
    self.total = total
  }

  /// The share that is done, from 0 to 1; nothing to do is all done.
  package var fraction: Double {
    total == 0 ? 1 : min(1, Double(done) / Double(total))
  }
}
