// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// Tables of images, as they come from a pool.
struct Qcow2TablesTests {
  /// An image of clusters of 512 bytes with one L2 table: header, L1, table of refcounts, L2, data,
  /// compressed data, refcounts.
  private struct Image {
    var bytes = [UInt8](repeating: 0, count: 512 * 7)

    init() {
      put(0, UInt32(0x5146_49fb))
      put(4, UInt32(3))
      put(20, UInt32(9))
      put(24, UInt64(512 * 64))
      put(36, UInt32(1))
      put(40, UInt64(512))
      put(48, UInt64(1024))
      put(56, UInt32(1))
      put(96, UInt32(4))
      put(100, UInt32(104))
      put(512, UInt64(1) << 63 | 512 * 3)
      put(512 * 3, UInt64(1) << 63 | 512 * 4)
      put(512 * 3 + 8, UInt64(1))
      // 100 bytes of compressed data.
      put(512 * 3 + 16, UInt64(1) << 62 | 512 * 5)
      put(1024, UInt64(512 * 6))
      for cluster in 0..<7 { put(512 * 6 + cluster * 2, UInt16(1)) }
    }

    mutating func put<Number: FixedWidthInteger>(_ offset: Int, _ number: Number) {
      withUnsafeBytes(of: number.bigEndian) {
        bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
      }
    }

    func check(readsAll: Bool = true) throws -> Qcow2Tables {
      try Qcow2Tables(length: UInt64(bytes.count), readsAll: readsAll) { offset, length in
        Array(bytes.dropFirst(Int(clamping: offset)).prefix(Int(clamping: length)))
      }
    }
  }

  @Test func `clusters with data, compressed data and zeroes count`() throws {
    #expect(try Image().check().clusters == 3)
    #expect(try Image().check(readsAll: false).clusters == nil)
    var empty = Image()
    empty.put(512, UInt64(0))
    #expect(try empty.check().clusters == 0)
  }

  @Test func `an image that is cut anywhere before its last data is damaged`() {
    for length in stride(from: 0, to: 512 * 5, by: 37) {
      var image = Image()
      image.bytes = Array(image.bytes.prefix(length))
      #expect(throws: BackupError.self, "\(length)") { try image.check() }
    }
  }

  private static let wrong: [(String, Int, UInt64)] = [
    ("version", 0, 0x5146_49fb_0000_0004), ("cluster size", 16, 8), ("cluster size", 16, 22),
    ("features", 72, 32), ("header length", 96, 4 << 32 | 8), ("refcount order", 96, 7 << 32 | 104),
    ("L1 size", 32, 0), ("L1 size", 32, UInt64(UInt32.max)), ("L1 offset", 40, 513),
    ("L1 offset", 40, .max - 511), ("L1 offset", 40, 1 << 20), ("refcounts", 48, 0),
    ("refcounts", 48, 8), ("refcounts", 48, 1 << 30), ("refcounts", 56, 0),
    ("L1 entry", 512, 1 << 63), ("L1 entry", 512, 1 << 62 | 1536), ("L1 entry", 512, 1537),
    ("L1 entry", 512, 1 << 50), ("L1 entry", 512, .max), ("L1 entry", 512, 2048 + 256),
    ("L2 entry", 1536, 3), ("L2 entry", 1536, 1 << 40), ("L2 entry", 1536, .max >> 1),
    ("L2 entry", 1536, 1 << 58 | 2048), ("L2 entry", 1536, 2048 + 2), ("snapshots", 60, 1 << 32),
    ("snapshots", 60, .max), ("refcount table", 1024, 1 << 30), ("refcount table", 1024, 513),
    ("refcount table", 1024, 0), ("refcounts of header, L1, table, L2", 512 * 6, 0),
    ("compression", 100, 112 << 32 | 0xa5 << 24), ("compression", 100, 112 << 32 | 1 << 24),
  ]

  @Test(arguments: wrong)
  func `what no QEMU writes is damage`(what: String, offset: Int, number: UInt64) {
    var image = Image()
    image.put(offset, number)
    #expect(throws: BackupError.self) { try image.check() }
  }

  @Test func `data whose clusters count as free are damage`() {
    for cluster in 4..<6 {
      var image = Image()
      image.put(512 * 6 + cluster * 2, UInt16(0))
      #expect(throws: BackupError.self, "\(cluster)") { try image.check() }
    }
  }

  @Test func `counts of an image that was not closed say nothing`() throws {
    var image = Image()
    image.put(72, UInt64(1))
    image.put(512 * 6, UInt64(0))
    #expect(try image.check().clusters == 3)
  }

  @Test func `two entries for one L2 table are damage`() {
    var image = Image()
    image.put(36, UInt32(2))
    image.put(520, UInt64(1) << 63 | 512 * 3)
    #expect(throws: BackupError.self) { try image.check() }
  }

  @Test func `a data file is found among the extensions`() throws {
    var image = Image()
    image.put(72, UInt64(4))
    image.put(104, UInt32(0x6803_f857))
    image.put(108, UInt32(3))
    image.put(120, UInt32(0x4441_5441))
    image.put(124, UInt32(4))
    image.bytes.replaceSubrange(128..<132, with: "data".utf8)
    #expect(try Qcow2Header(parsing: image.bytes).dataFile == "data")
    #expect(try Qcow2Header.files(namedBy: { Array(image.bytes.prefix(Int($0))) }) == ["data"])
    #expect(try Qcow2Header.files(namedBy: { _ in [1, 2, 3] }) == [])
  }
}
