// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Numbers in the structures of a qcow2 image, which are big-endian.
enum Qcow2Fields {
  /// Reads a number of a header.
  ///
  /// - Parameters:
  ///   - offset: Byte at which it begins.
  ///   - size: Bytes that it has, at most 8.
  ///   - bytes: The beginning of the image.
  /// - Returns: The number.
  /// - Throws: ``BackupError`` where the image ends before.
  static func number(at offset: Int, size: Int, in bytes: [UInt8]) throws -> UInt64 {
    guard bytes.count >= offset + size else { throw Qcow2Tables.damage("it is cut off") }
    return bytes[offset..<offset + size].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Hands the entries of a table, of 8 bytes each, to a function.
  static func forEachEntry(
    of table: [UInt8], _ body: (UInt64) throws -> Void
  ) rethrows {
    try table.withUnsafeBytes { buffer in
      for place in stride(from: 0, to: buffer.count - 7, by: 8) {
        try body(UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
      }
    }
  }
}
