// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The growth of an image when others are merged with it, out of the images' tables.
///
/// See QEMU's `docs/interop/qcow2.txt`.
package struct Qcow2Room {
  /// The tables of one image.
  private struct Image {
    let clusterBits: UInt64
    let l1: [UInt64]
    let read: (_ offset: UInt64, _ length: UInt64) throws -> [UInt8]

    /// Reads the first of them; nil for an image whose clusters have parts.
    init?(_ read: @escaping (_ offset: UInt64, _ length: UInt64) throws -> [UInt8]) throws {
      let header = try read(0, 104)
      func number(_ offset: Int, _ size: Int) throws -> UInt64 {
        try Qcow2Fields.number(at: offset, size: size, in: header)
      }
      let isExtended = try number(4, 4) == 3 && number(72, 8) & 1 << 4 != 0
      clusterBits = try number(20, 4)
      guard !isExtended, (9...21).contains(clusterBits) else { return nil }
      self.read = read
      l1 = Qcow2Room.numbers(try read(try number(40, 8), min(try number(36, 4), 32 << 17) * 8))
    }

    /// The entries of an L2 table; nil where there is none.
    func entries(at place: Int) throws -> [UInt64]? {
      guard place < l1.count, l1[place] & 0x00ff_ffff_ffff_fe00 != 0 else { return nil }
      return Qcow2Room.numbers(try read(l1[place] & 0x00ff_ffff_ffff_fe00, 1 << clusterBits))
    }
  }

  private static func numbers(_ table: [UInt8]) -> [UInt64] {
    var numbers: [UInt64] = []
    Qcow2Fields.forEachEntry(of: table) { numbers.append($0) }
    return numbers
  }

  /// Bytes that an image grows by, at most.
  package let bytes: UInt64

  /// Counts them; nil where the tables do not tell.
  ///
  /// - Parameters:
  ///   - sources: Read parts of the images that are merged.
  ///   - target: Reads parts of the image that they are merged with.
  ///   - overwrites: Whether they override what it has; else it overrides them.
  /// - Throws: What the readers throw; ``BackupError`` for an image that is cut off.
  package init?(
    of sources: [(_ offset: UInt64, _ length: UInt64) throws -> [UInt8]],
    into target: @escaping (_ offset: UInt64, _ length: UInt64) throws -> [UInt8],
    overwrites: Bool
  ) throws {
    guard let image = try Image(target) else { return nil }
    let others = try sources.compactMap { try Image($0) }
    guard others.count == sources.count, others.allSatisfy({ $0.clusterBits == image.clusterBits })
    else { return nil }
    var clusters: UInt64 = 0
    for place in 0..<(others.map(\.l1.count).max() ?? 0) {
      let tables = try others.compactMap { try $0.entries(at: place) }
      guard !tables.isEmpty else { continue }
      let known = try image.entries(at: place)
      if known == nil { clusters += 1 }
      for entry in 0..<(tables.map(\.count).max() ?? 0) {
        guard tables.contains(where: { entry < $0.count && Self.isData($0[entry]) }) else {
          continue
        }
        let old = known.map { entry < $0.count ? $0[entry] : 0 } ?? 0
        if overwrites ? !Self.isOverwritten(old) : old == 0 { clusters += 1 }
      }
    }
    // Each cluster has a count of 16 bits, and the counts need clusters of their own.
    if clusters > 0 { clusters += 1 + clusters >> (image.clusterBits - 1) }
    bytes = clusters << image.clusterBits
  }

  /// Tells that a cluster has data, compressed or not.
  private static func isData(_ entry: UInt64) -> Bool {
    entry & 1 << 62 != 0 || entry & 0x00ff_ffff_ffff_fe00 != 0 && entry & 1 == 0
  }

  /// Tells that new data is written over the old in place.
  private static func isOverwritten(_ entry: UInt64) -> Bool {
    entry & 1 << 63 != 0 && entry & 1 << 62 == 0 && entry & 0x00ff_ffff_ffff_fe00 != 0
  }
}
