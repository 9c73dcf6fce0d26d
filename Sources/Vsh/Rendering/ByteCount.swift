// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Sizes as a user reads them.
package enum ByteCount {
  private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// A size in the largest unit that leaves at least one: `12.41 GiB`.
  ///
  /// - Parameters:
  ///   - bytes: The size.
  ///   - decimals: How many digits follow the point.
  /// - Returns: The text.
  package static func text(_ bytes: UInt64, decimals: Int = 2) -> String {
    var value = Double(bytes)
    var index = 0
    while value >= 1024, index < units.count - 1 {
      value /= 1024
      index += 1
    }
    return "\(Decimal.text(value, decimals: decimals)) \(units[index])"
  }
}
