// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The tables of a qcow2 image, as far as they can be checked without reading any data.
///
/// See QEMU's `docs/interop/qcow2.txt`. An image whose tables lead out of the file, or hold what no
/// QEMU writes, is damaged; one that passes may still hold wrong data.
package struct Qcow2Tables: Sendable, Equatable {
  /// The number of the disk's clusters that the image has, as data or as zeroes; nil where its L2 tables were
  /// not read.
  package var clusters: UInt64?

  /// Checks an image.
  ///
  /// - Parameters:
  ///   - length: Bytes of its file.
  ///   - readsAll: Whether the L2 tables are read too: 8 bytes for each 64 KiB of the disk.
  ///   - read: Reads that many bytes from an offset, fewer where the file ends before.
  /// - Throws: ``BackupError`` that says what is wrong; what `read` throws.
  package init(
    length: UInt64, readsAll: Bool, read: (_ offset: UInt64, _ length: UInt64) throws -> [UInt8]
  ) throws {
    let layout = try Layout(parsing: try read(0, 4096), length: length)
    let table = try read(layout.l1Offset, layout.l1Size * 8)
    let offsets = try layout.l2Offsets(in: table)
    guard readsAll else { return }
    // An image that was not closed has counts that QEMU would mend when it opens it for writing.
    var refcounts = layout.isDirty ? nil : try Qcow2Refcounts(layout.refcounts, length, read)
    func expectCounted(_ offset: UInt64) throws {
      guard try refcounts?.isZero(at: offset, read) == true else { return }
      throw Qcow2Tables.damage("its refcounts are damaged")
    }
    for offset in [0, layout.l1Offset, layout.refcounts.offset] + offsets {
      try expectCounted(offset)
    }
    var count: UInt64 = 0
    for offset in offsets {
      count += try layout.clustersInUse(
        in: try read(offset, layout.clusterSize), expectCounted)
    }
    clusters = count
  }

  /// Damage, in words that follow the volume's name.
  package static func damage(_ text: String) -> BackupError { BackupError(.failed, text) }
}

extension Qcow2Tables {
  /// The places of an image's structures, out of its header.
  fileprivate struct Layout {
    /// Bytes of the file.
    package let length: UInt64
    package let version: UInt64
    package let clusterBits: UInt64
    /// True where L2 entries have 16 bytes.
    package let isExtended: Bool
    package let l1Size: UInt64
    package let l1Offset: UInt64
    /// The place of the counts of how often each cluster is used.
    package let refcounts: Qcow2Refcounts.Place
    /// True where these counts may lag behind.
    package let isDirty: Bool

    package var clusterSize: UInt64 { 1 << clusterBits }

    /// Reads and checks a header.
    package init(parsing bytes: [UInt8], length: UInt64) throws {
      func number(_ offset: Int, _ size: Int) throws -> UInt64 {
        try Qcow2Fields.number(at: offset, size: size, in: bytes)
      }
      guard try number(0, 4) == 0x5146_49fb else { throw damage("it is not a qcow2 image") }
      self.length = length
      version = try number(4, 4)
      guard version == 2 || version == 3 else {
        throw damage("it is a qcow2 image of unknown version \(version)")
      }
      clusterBits = try number(20, 4)
      guard (9...21).contains(clusterBits) else { throw damage("its header is damaged") }
      let clusterSize: UInt64 = 1 << clusterBits
      let features = version == 3 ? try number(72, 8) : 0
      guard features < 1 << 5 else { throw damage("it has features that are not known") }
      isExtended = features & 1 << 4 != 0
      isDirty = features & 1 != 0
      if version == 3 {
        let headerLength = try number(100, 4)
        guard headerLength >= 104, headerLength % 8 == 0, headerLength <= clusterSize,
          try number(96, 4) <= 6
        else { throw damage("its header is damaged") }
        // The type of compression, where it is not zlib, is a feature too.
        if headerLength > 104 {
          let type = try number(104, 1)
          guard type <= 1, (type == 0) == (features & 1 << 3 == 0) else {
            throw damage("its header is damaged")
          }
        }
      }
      l1Size = try number(36, 4)
      l1Offset = try number(40, 8)
      let capacity = try number(24, 8)
      let perTable = (clusterSize / (isExtended ? 16 : 8)) << clusterBits
      let needed = capacity / perTable + (capacity % perTable == 0 ? 0 : 1)
      // QEMU has a limit of 32 MiB.
      guard l1Size >= needed, l1Size <= 32 << 17, l1Offset % clusterSize == 0 else {
        throw damage("its header is damaged")
      }
      try Layout.check("its L1 table", at: l1Offset, bytes: l1Size * 8, in: length)
      let refcounts = try number(48, 8), refcountClusters = try number(56, 4)
      guard refcounts != 0, refcounts % clusterSize == 0, refcountClusters != 0,
        refcountClusters <= (8 << 20) >> clusterBits
      else { throw damage("its header is damaged") }
      try Layout.check("its refcount table", at: refcounts, bytes: 8, in: length)
      self.refcounts = .init(
        offset: refcounts, clusters: refcountClusters, clusterBits: clusterBits,
        order: version == 3 ? try number(96, 4) : 4)
      // No image of a backup has any.
      guard try number(60, 4) == 0 else { throw damage("its header is damaged") }
    }

    private static func check(
      _ what: String, at offset: UInt64, bytes: UInt64, in length: UInt64
    ) throws {
      let (end, overflows) = offset.addingReportingOverflow(bytes)
      guard !overflows, end <= length else {
        throw damage(
          "it is cut off or damaged: \(what) ends at byte \(overflows ? offset : end), the file at "
            + "\(length)")
      }
    }

    /// The places of the L2 tables, out of the L1 table.
    package func l2Offsets(in table: [UInt8]) throws -> [UInt64] {
      guard table.count == Int(l1Size) * 8 else { throw damage("its L1 table is cut off") }
      var offsets: [UInt64] = []
      try Qcow2Fields.forEachEntry(of: table) { entry in
        guard entry != 0 else { return }
        let offset = entry & 0x00ff_ffff_ffff_fe00
        guard entry & 0x7f00_0000_0000_01ff == 0, offset != 0, offset % clusterSize == 0 else {
          throw damage("its L1 table is damaged")
        }
        try Layout.check("an L2 table", at: offset, bytes: clusterSize, in: length)
        offsets.append(offset)
      }
      // More than fit into the file would take for ever.
      guard UInt64(offsets.count) <= length / clusterSize, Set(offsets).count == offsets.count
      else { throw damage("its L1 table is damaged") }
      return offsets
    }

    /// Counts the entries of an L2 table that are in use.
    package func clustersInUse(
      in table: [UInt8], _ expectCounted: (UInt64) throws -> Void
    ) throws -> UInt64 {
      guard table.count == Int(clusterSize) else { throw damage("an L2 table is cut off") }
      var count: UInt64 = 0
      var number = 0
      var isUsed = false
      try Qcow2Fields.forEachEntry(of: table) { word in
        if isExtended, number & 1 == 1 {
          // A subcluster is allocated, or reads as zeroes, or neither.
          guard word & word >> 32 & 0xffff_ffff == 0 else { throw damage("an L2 table is damaged") }
          if isUsed || word != 0 { count += 1 }
        } else {
          isUsed = word != 0
          if isUsed {
            try check(word, expectCounted)
            if !isExtended { count += 1 }
          }
        }
        number += 1
      }
      return count
    }

    private func check(_ entry: UInt64, _ expectCounted: (UInt64) throws -> Void) throws {
      let offset: UInt64
      if entry & 1 << 62 != 0 {
        offset = entry & (1 << (62 - (clusterBits - 8)) - 1)
      } else {
        offset = entry & 0x00ff_ffff_ffff_fe00
        let reserved: UInt64 = version == 2 || isExtended ? 0x1ff : 0x1fe
        guard entry & (0x3f00_0000_0000_0000 | reserved) == 0, offset % clusterSize == 0 else {
          throw damage("an L2 table is damaged")
        }
      }
      guard offset < length else {
        throw damage(
          "it is cut off or damaged: it has data at byte \(offset), the file ends at \(length)")
      }
      if offset != 0 { try expectCounted(offset) }
    }
  }
}
