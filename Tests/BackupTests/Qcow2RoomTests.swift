// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import BackupCore

/// Tests by how much an image grows as it takes in the clusters of others.
struct Qcow2RoomTests {
  private static let data: UInt64 = 1 << 63 | 512 * 4, shared: UInt64 = 512 * 4, zero: UInt64 = 1
  private static let compressed: UInt64 = 1 << 62 | 512 * 4, held: UInt64 = 1 << 63 | 512 * 4 | 1

  /// An image with clusters of 512 bytes and these entries in its L2 table; nil for no table.
  private static func image(_ entries: [UInt64]?) -> (UInt64, UInt64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 512 * 3)
    func put(_ offset: Int, _ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.bigEndian) {
        bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
      }
    }
    put(0, UInt32(0x5146_49fb))
    put(4, UInt32(3))
    put(20, UInt32(9))
    put(36, UInt32(1))
    put(40, UInt64(512))
    if let entries {
      put(512, UInt64(1) << 63 | 1024)
      for (number, entry) in entries.enumerated() { put(1024 + number * 8, entry) }
    }
    return { [bytes] in Array(bytes.dropFirst(Int($0)).prefix(Int($1))) }
  }

  private static func clusters(
    _ sources: [UInt64]?..., into target: [UInt64]?, overwrites: Bool
  ) throws -> UInt64? {
    try Qcow2Room(of: sources.map(image), into: image(target), overwrites: overwrites).map {
      $0.bytes / 512
    }
  }

  @Test func `what is overwritten where it is needs nothing`() throws {
    #expect(
      try Self.clusters([Self.data, 0, Self.zero], into: [Self.data, 0, 0], overwrites: true) == 0)
    #expect(try Self.clusters([Self.data], into: [Self.held], overwrites: true) == 0)
    #expect(try Self.clusters(nil, into: nil, overwrites: true) == 0)
  }

  @Test(arguments: [0, shared, compressed, zero])
  func `what has no place of its own yet gets one, and is counted`(entry: UInt64) throws {
    #expect(try Self.clusters([Self.data], into: [entry], overwrites: true) == 2)
    #expect(try Self.clusters([Self.compressed], into: [entry], overwrites: true) == 2)
  }

  @Test func `a table that is not there yet needs a place too, and several have a cluster once`()
    throws
  {
    #expect(
      try Self.clusters(
        [Self.data, 0, Self.data], [Self.data, Self.data], into: nil, overwrites: true) == 5)
  }

  @Test func `upward, what the image has already is not copied`() throws {
    let entries = [Self.data, Self.zero, Self.compressed, 0, 0]
    let below = [Self.data, Self.data, Self.data, Self.data, Self.zero]
    #expect(try Self.clusters(below, into: entries, overwrites: false) == 2)
  }
}
