// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a disk is backed up in full.
package struct Reason: Sendable, Equatable {
  /// A stable word for programs.
  package var code: String
  /// The same for people.
  package var text: String

  /// The chain has no point yet.
  package static let first = Reason(code: "first", text: "first backup")
  /// The user asked for it.
  package static let requested = Reason(code: "requested", text: "--full")
  /// No point of the chain has the disk.
  package static func newDisk(since point: String) -> Reason {
    Reason(code: "new_disk", text: "disk added since \(point)")
  }
  /// There is no bitmap where one should be.
  package static let bitmapMissing = Reason(
    code: "bitmap_missing", text: "no bitmap (image replaced or bitmap removed)")
  /// The bitmap was in memory and the process has ended.
  package static func bitmapLost(format: String) -> Reason {
    Reason(code: "bitmap_lost", text: "domain restarted, \(format) keeps none")
  }
  /// The bitmap was not stored when QEMU ended.
  package static let bitmapInconsistent = Reason(
    code: "bitmap_inconsistent", text: "domain was not shut down cleanly")
  /// The image carries the bitmap of another disk.
  package static let imageChanged = Reason(
    code: "image_changed", text: "image is not the one backed up")
  /// The disk is smaller than its parent.
  package static let diskShrunk = Reason(code: "disk_shrunk", text: "disk is smaller than before")
  /// The parent's data is gone from the pool.
  package static func baseMissing(_ point: String) -> Reason {
    Reason(code: "base_missing", text: "\(point)'s volume is gone")
  }
  /// The parent's data, or what it stands on, is damaged.
  package static func baseDamaged(_ point: String) -> Reason {
    Reason(code: "base_damaged", text: "\(point)'s volume is damaged")
  }
  /// The point whose bitmap the disk has was deleted.
  package static let baseDeleted = Reason(
    code: "base_deleted", text: "the backup it would stand on was deleted")
  /// `backup-forget` removed the bitmap.
  package static let forgotten = Reason(code: "forgotten", text: "backup-forget")
  /// The bitmap was in memory because of internal snapshots.
  package static let internalSnapshots = Reason(
    code: "internal_snapshots", text: "internal snapshots allow no stored bitmap")
  /// The chain shall not grow any more.
  package static func chainLong(_ count: Int) -> Reason {
    Reason(code: "chain_long", text: "its chain has \(count) backups")
  }
  /// Other domains may write to the disk, and QEMU records what its own guest writes.
  package static let shared = Reason(
    code: "shared", text: "shareable, and what other domains write is not recorded")
  /// A plain job would copy what changed while a thread of its own serves the disk.
  ///
  /// Such a job learns what changed only after it began (`backup_init_bcs_bitmap()`). QEMU aborts
  /// (`block_copy_task_create`) where a guest that was not suspended writes before.
  package static let unprotectedThread = Reason(
    code: "unprotected_thread",
    text: "unprotected, and the disk has a thread of its own (<iothreads>)")
}
