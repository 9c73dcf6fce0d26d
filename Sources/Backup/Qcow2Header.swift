// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The head of a qcow2 image, as far as it says what else QEMU would open.
///
/// See QEMU's `docs/interop/qcow2.txt`.
package struct Qcow2Header: Sendable, Equatable {
  /// Bytes to read from the start of an image: a cluster, in which the backing file's name is.
  package static let length: UInt64 = 65536

  /// Bytes the guest sees.
  package var capacity: UInt64
  /// Name of the backing file as it stands in the image; nil for none.
  package var backingFile: String?
  /// Whether the data is in another file.
  package var hasDataFile: Bool
  /// Whether QEMU marked the image as corrupt.
  package var isCorrupt: Bool
  /// Whether the data is encrypted.
  package var isEncrypted: Bool

  /// Reads a head.
  ///
  /// - Parameter bytes: The first ``length`` bytes of the image, or all of it.
  /// - Throws: ``BackupError`` for what is no qcow2 image.
  package init(parsing bytes: [UInt8]) throws {
    func number(at offset: Int, size: Int) throws -> UInt64 {
      guard bytes.count >= offset + size else {
        throw BackupError(.failed, "it is cut off")
      }
      return bytes[offset..<offset + size].reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard try number(at: 0, size: 4) == 0x5146_49fb else {
      throw BackupError(.failed, "it is not a qcow2 image")
    }
    let version = try number(at: 4, size: 4)
    guard version == 2 || version == 3 else {
      throw BackupError(.failed, "it is a qcow2 image of unknown version \(version)")
    }
    let nameOffset = try number(at: 8, size: 8)
    let nameLength = try number(at: 16, size: 4)
    capacity = try number(at: 24, size: 8)
    isEncrypted = try number(at: 32, size: 4) != 0
    let features = version == 3 ? try number(at: 72, size: 8) : 0
    isCorrupt = features & 2 != 0
    hasDataFile = features & 4 != 0
    if nameOffset != 0 {
      guard nameLength <= 1023, nameOffset <= UInt64(bytes.count),
        nameOffset + nameLength <= UInt64(bytes.count)
      else { throw BackupError(.failed, "the name of its backing file is cut off") }
      let start = Int(nameOffset)
      backingFile = String(decoding: bytes[start..<start + Int(nameLength)], as: UTF8.self)
    }
  }
}
