// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@testable import BackupCore

/// A qcow2 image whose clusters have texts in them, and which may stand on another.
struct ChainImage: Equatable {
  private static let cluster = 512
  /// Bytes of the disk.
  static let capacity: UInt64 = 512 * 64
  /// The first cluster of data, after header, L1, table of refcounts, refcounts and L2.
  private static let firstOfData = 5
  private static let nameOffset = 112

  /// The texts in the clusters that the image has of its own, by the clusters' numbers.
  var clusters: [Int: String]
  /// Name of the volume that it stands on; nil for none.
  var backing: String?

  init(_ clusters: [Int: String] = [:], on backing: String? = nil) {
    self.clusters = clusters
    self.backing = backing
  }

  /// Reads an image; nil for what is none.
  init?(_ bytes: [UInt8]) {
    guard let header = try? Qcow2Header(parsing: bytes) else { return nil }
    self.init(on: header.backingFile)
    for number in 0..<ChainImage.cluster / 8 {
      let entry = 4 * ChainImage.cluster + number * 8
      guard
        let found = try? Qcow2Fields.number(at: entry, size: 8, in: bytes) & 0xff_ffff, found > 0
      else { continue }
      let text = bytes.dropFirst(Int(found)).prefix(ChainImage.cluster).prefix { $0 != 0 }
      clusters[number] = String(decoding: text, as: UTF8.self)
    }
  }

  /// The image as its file has it.
  var bytes: [UInt8] {
    let size = ChainImage.cluster, count = ChainImage.firstOfData + clusters.count
    var bytes = [UInt8](repeating: 0, count: size * count)
    func put<Number: FixedWidthInteger>(_ offset: Int, _ number: Number) {
      withUnsafeBytes(of: number.bigEndian) {
        bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
      }
    }
    for (offset, number) in [
      (0, 0x5146_49fb), (4, 3), (20, 9), (36, 1), (56, 1), (96, 4), (100, 104),
    ] {
      put(offset, UInt32(number))
    }
    put(24, ChainImage.capacity)
    for (offset, place) in [(40, 1), (48, 2), (size * 2, 3)] { put(offset, UInt64(size * place)) }
    put(size, UInt64(1) << 63 | UInt64(size * 4))
    for cluster in 0..<count { put(size * 3 + cluster * 2, UInt16(1)) }
    if let backing {
      put(8, UInt64(ChainImage.nameOffset))
      put(16, UInt32(backing.utf8.count))
      bytes.replaceSubrange(
        ChainImage.nameOffset..<ChainImage.nameOffset + backing.utf8.count, with: backing.utf8)
    }
    for (place, (number, text)) in clusters.sorted(by: { $0.key < $1.key }).enumerated() {
      let offset = size * (ChainImage.firstOfData + place)
      put(size * 4 + number * 8, UInt64(1) << 63 | UInt64(offset))
      bytes.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    return bytes
  }
}
