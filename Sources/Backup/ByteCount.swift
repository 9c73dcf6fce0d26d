// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A number of bytes as people read it, `12.41 GiB`.
package struct ByteCount: Sendable, CustomStringConvertible {
  private let bytes: UInt64

  /// Wraps a number of bytes.
  package init(_ bytes: UInt64) { self.bytes = bytes }

  /// The number with two digits after the point and a binary unit, as virsh writes it.
  package var description: String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var scaled = Double(bytes)
    var unit = 0
    while scaled >= 1024, unit < units.count - 1 {
      scaled /= 1024
      unit += 1
    }
    let hundredths = UInt64((scaled * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(units[unit])"
  }
}
