// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The least of a qcow2 image that has something in it.
struct FakeImage {
  /// Bytes of the disk.
  static let capacity: UInt64 = 512 * 64
  private(set) var bytes = [UInt8](repeating: 0, count: 512 * 6)

  /// Makes an image: header, L1, table of refcounts, L2, data, refcounts.
  ///
  /// - Parameter label: What is in it.
  init(label: String) {
    for (offset, number) in [
      (0, 0x5146_49fb), (4, 3), (20, 9), (36, 1), (56, 1), (96, 4), (100, 104),
    ] {
      put(offset, UInt32(number))
    }
    put(24, FakeImage.capacity)
    put(40, UInt64(512))
    put(48, UInt64(1024))
    put(512, UInt64(1) << 63 | 512 * 3)
    put(512 * 3, UInt64(1) << 63 | 512 * 4)
    put(1024, UInt64(512 * 5))
    for cluster in 0..<6 { put(512 * 5 + cluster * 2, UInt16(1)) }
    bytes.replaceSubrange(512 * 4..<512 * 4 + label.utf8.count, with: label.utf8)
  }

  private mutating func put<Number: FixedWidthInteger>(_ offset: Int, _ number: Number) {
    withUnsafeBytes(of: number.bigEndian) {
      bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }
}
