// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The counts of how often each cluster of a qcow2 image is used.
///
/// A writer takes a cluster whose count is zero for a free one and overwrites it: an image whose
/// counts are lost is whole to who reads it, and broken by the first merge into it.
package struct Qcow2Refcounts {
  /// Where the counts are, as the header says.
  package struct Place {
    /// Byte at which their table begins.
    package var offset: UInt64
    /// Clusters of the table.
    package var clusters: UInt64
    /// Two to the power of this is the size of a cluster in bytes.
    package var clusterBits: UInt64
    /// Two to the power of this is the size of a count in bits, at most 64.
    package var order: UInt64
  }

  private let place: Place
  private let table: [UInt8]
  private let length: UInt64
  private var block: (number: UInt64, bytes: [UInt8])?

  /// Reads the table.
  ///
  /// - Parameters:
  ///   - place: Where it is.
  ///   - length: Bytes of the file.
  ///   - read: Reads that many bytes from an offset, fewer where the file ends before.
  /// - Throws: What `read` throws.
  package init(
    _ place: Place, _ length: UInt64,
    _ read: (_ offset: UInt64, _ length: UInt64) throws -> [UInt8]
  ) throws {
    self.place = place
    self.length = length
    table = try read(place.offset, place.clusters << place.clusterBits)
  }

  /// Whether the cluster at an offset counts as free.
  ///
  /// - Parameters:
  ///   - offset: A byte of the cluster.
  ///   - read: As for the table.
  /// - Returns: Whether its count is zero, or is nowhere.
  /// - Throws: What `read` throws; ``BackupError`` where the table leads out of the file.
  package mutating func isZero(
    at offset: UInt64, _ read: (_ offset: UInt64, _ length: UInt64) throws -> [UInt8]
  ) throws -> Bool {
    let perBlock: UInt64 = (8 << place.clusterBits) >> place.order
    let (number, index) = (offset >> place.clusterBits).quotientAndRemainder(dividingBy: perBlock)
    if block?.number != number {
      guard number < UInt64(table.count / 8) else { return true }
      let entry = table[Int(number) * 8..<Int(number) * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
      guard entry != 0 else { return true }
      let size: UInt64 = 1 << place.clusterBits
      guard entry % size == 0, entry < length else {
        throw Qcow2Tables.damage("its refcount table is damaged")
      }
      block = (number, try read(entry, size))
    }
    guard let bytes = block?.bytes else { return true }
    if place.order < 3 {
      let bit = index << place.order
      guard bit / 8 < UInt64(bytes.count) else { return true }
      let mask: UInt8 = (1 << (1 << place.order)) - 1
      return bytes[Int(bit / 8)] >> UInt8(bit % 8) & mask == 0
    }
    let width = 1 << (place.order - 3)
    let start = Int(index) * width
    guard start + width <= bytes.count else { return true }
    return bytes[start..<start + width].allSatisfy { $0 == 0 }
  }
}
