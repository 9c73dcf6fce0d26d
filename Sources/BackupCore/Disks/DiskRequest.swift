// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The choices of a user for one disk.
package struct DiskRequest: Sendable, Equatable {
  /// The target name, `vda`.
  package var name: String
  /// `backup=no` makes it false.
  package var isIncluded: Bool
  /// `backupmode=full`.
  package var isFull: Bool
  /// `backupmode=incremental`: fail instead of falling back to a full.
  package var isIncremental: Bool
  /// `incremental=NAME`: the point it is to stand on.
  package var parent: String?
  /// The place for the disk's copy; nil for a volume in the pool.
  package var target: CopyTarget?

  /// Makes a request.
  package init(
    name: String, isIncluded: Bool = true, isFull: Bool = false, isIncremental: Bool = false,
    parent: String? = nil
  ) {
    self.name = name
    self.isIncluded = isIncluded
    self.isFull = isFull
    self.isIncremental = isIncremental
    self.parent = parent
  }
}
