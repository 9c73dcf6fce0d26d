// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Name of a bitmap that records a disk's changes since a point.
///
/// `virsh-backup.CHAIN.POINT.DISK`: the disk is part of it since image files may be swapped.
package struct BitmapName: Sendable, Hashable {
  /// Bytes per bit: the unit a job copies, and one cluster of a filter.
  package static let granularity: Int64 = 65536

  /// UUID of the chain.
  package var chain: String
  /// UUID of the point.
  package var point: String
  /// The target name, `vda`.
  package var disk: String

  /// Makes a name.
  package init(chain: String, point: String, disk: String) {
    self.chain = chain
    self.point = point
    self.disk = disk
  }

  /// Reads a name.
  ///
  /// Nil for a bitmap that records no point of ours.
  package init?(parsing text: String) {
    let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "virsh-backup", parts[1].count == 36, parts[2].count == 36,
      !parts[3].isEmpty
    else { return nil }
    self.init(chain: String(parts[1]), point: String(parts[2]), disk: String(parts[3]))
  }

  /// The name as QEMU has it.
  package var text: String { "virsh-backup.\(chain).\(point).\(disk)" }
}
