// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// Heads of images, as they come from a pool.
struct Qcow2HeaderTests {
  /// A head of version 3, 64 KiB long.
  private static func head(
    version: UInt32 = 3, capacity: UInt64 = 1 << 30, backing: String? = nil, features: UInt64 = 0,
    encryption: UInt32 = 0
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 65536)
    put(&bytes, 0, UInt32(0x5146_49fb))
    put(&bytes, 4, version)
    put(&bytes, 24, capacity)
    put(&bytes, 32, encryption)
    put(&bytes, 72, features)
    if let backing {
      put(&bytes, 8, UInt64(1000))
      put(&bytes, 16, UInt32(backing.utf8.count))
      bytes.replaceSubrange(1000..<1000 + backing.utf8.count, with: backing.utf8)
    }
    return bytes
  }

  private static func put<Number: FixedWidthInteger>(
    _ bytes: inout [UInt8], _ offset: Int, _ number: Number
  ) {
    withUnsafeBytes(of: number.bigEndian) {
      bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }

  @Test
  func `a head says capacity, backing file and features`() throws {
    let plain = try Qcow2Header(parsing: Qcow2HeaderTests.head())
    #expect(plain.capacity == 1 << 30 && plain.backingFile == nil)
    #expect(!plain.hasDataFile && !plain.isCorrupt && !plain.isEncrypted)
    let full = try Qcow2Header(
      parsing: Qcow2HeaderTests.head(
        capacity: 512, backing: "web1.p1.vda.qcow2", features: 6, encryption: 2))
    #expect(full.capacity == 512 && full.backingFile == "web1.p1.vda.qcow2")
    #expect(full.hasDataFile && full.isCorrupt && full.isEncrypted)
    let old = try Qcow2Header(parsing: Qcow2HeaderTests.head(version: 2, features: 6))
    #expect(!old.hasDataFile && !old.isCorrupt, "version 2 has no features")
  }

  @Test
  func `a head that is cut off is refused, wherever`() throws {
    let head = Qcow2HeaderTests.head(backing: "base")
    for length in [0, 3, 4, 7, 8, 15, 19, 31, 35, 79, 80, 1000, 1003] {
      #expect(throws: BackupError.self) { try Qcow2Header(parsing: Array(head.prefix(length))) }
    }
    #expect(try Qcow2Header(parsing: Array(head.prefix(1004))).backingFile == "base")
  }

  @Test
  func `other formats and versions are refused`() {
    #expect(throws: BackupError.self) { try Qcow2Header(parsing: Array("KDMV...".utf8)) }
    for version in [UInt32(0), 1, 4, .max] {
      #expect(throws: BackupError.self) {
        try Qcow2Header(parsing: Qcow2HeaderTests.head(version: version))
      }
    }
  }

  private static let elsewhere: [(UInt64, UInt32)] = [
    (.max, .max), (.max, 1), (.max - 1, 1023), (1 << 63, 8), (65536, 1), (65535, 2),
    (0x1_0000_0000, 1), (1000, 1024), (1000, .max),
  ]

  @Test(arguments: elsewhere)
  func `a backing file's name that lies elsewhere is refused`(offset: UInt64, length: UInt32) {
    var head = Qcow2HeaderTests.head()
    Qcow2HeaderTests.put(&head, 8, offset)
    Qcow2HeaderTests.put(&head, 16, length)
    #expect(throws: BackupError.self) { try Qcow2Header(parsing: head) }
  }

  @Test
  func `a name that is no text stays unequal to any name`() throws {
    var head = Qcow2HeaderTests.head(backing: "abcd")
    head[1001] = 0xff
    head[1002] = 0
    let name = try Qcow2Header(parsing: head).backingFile
    #expect(name != nil && name != "abcd" && name != "a")
  }
}
