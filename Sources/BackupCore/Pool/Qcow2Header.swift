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
  /// Name of the file that the data is in, as it stands in the image; nil where none is named.
  package var dataFile: String?
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
      try Qcow2Fields.number(at: offset, size: size, in: bytes)
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
    dataFile = hasDataFile ? Qcow2Header.dataFile(in: bytes) : nil
  }

  /// The name in the header extension of external data files.
  private static func dataFile(in bytes: [UInt8]) -> String? {
    func number(at offset: Int) -> Int? {
      guard offset >= 0, offset + 4 <= bytes.count else { return nil }
      return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    // `header_length`, behind which the extensions are.
    guard var offset = number(at: 100) else { return nil }
    while let type = number(at: offset), type != 0, let length = number(at: offset + 4) {
      let start = offset + 8
      guard start + length <= bytes.count else { return nil }
      if type == 0x4441_5441 {
        return String(decoding: bytes[start..<start + length], as: UTF8.self)
      }
      offset = start + (length + 7) / 8 * 8
    }
    return nil
  }

  /// The files that an image names, as far as its first bytes tell.
  ///
  /// - Parameter read: Reads that many bytes of it from the start, fewer where it ends before.
  /// - Returns: Their names as they stand in it; none for a file that is no qcow2 image.
  /// - Throws: What `read` throws; ``BackupError`` for a head that does not tell.
  package static func files(namedBy read: (UInt64) throws -> [UInt8]) throws -> [String] {
    // The names are right behind the header, where QEMU puts them.
    let beginning = try read(4096)
    guard beginning.starts(with: magic) else { return [] }
    let header: Qcow2Header
    do {
      header = try Qcow2Header(parsing: beginning)
    } catch is BackupError where beginning.count == 4096 {
      header = try Qcow2Header(parsing: try read(length))
    }
    return [header.backingFile, header.dataFile].compactMap(\.self)
  }

  private static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xfb]
}
