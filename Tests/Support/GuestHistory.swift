// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Changes of a disk that are the same for the same seed: data, zeroes and discards, on clusters and
/// across them.
package struct GuestHistory: Sendable {
  private var state: UInt64
  private let size: UInt64

  /// Makes a history of a disk of that many bytes, a multiple of 64 KiB.
  package init(seed: UInt64, size: UInt64) {
    state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    self.size = size
  }

  /// Returns a number below a limit.
  package mutating func number(below limit: UInt64) -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) % limit
  }

  /// Returns the next changes.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - hasDiscards: Whether discards are among them; zeroes take their place else.
  /// - Returns: The changes.
  package mutating func next(_ count: Int, hasDiscards: Bool = true) -> [DiskChange] {
    (0..<count).map { _ in
      let change = change()
      if !hasDiscards, case .discard(let offset, let length) = change {
        return .zero(offset: offset, length: length, unmap: true)
      }
      return change
    }
  }

  private mutating func change() -> DiskChange {
    // Half of them are whole clusters of 64 KiB, the others lie across them.
    let unit: UInt64 = number(below: 2) == 0 ? 65536 : 4096
    let length = (number(below: 262_144 / unit) + 1) * unit
    let offset = number(below: (size - length) / unit + 1) * unit
    switch number(below: 6) {
    case 0, 1:
      return .write(
        pattern: UInt8(number(below: 255)) + 1, offset: offset, length: length)
    case 2, 3: return .zero(offset: offset, length: length, unmap: number(below: 2) == 0)
    default: return .discard(offset: offset, length: length)
    }
  }
}
