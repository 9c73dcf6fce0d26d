// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Backups whose data QEMU compresses.
struct CompressedTests {
  /// What the stock tools say of an image: the method, how many clusters are compressed, its link.
  private static func describe(
    _ path: String
  ) throws -> (method: String?, clusters: Int, backing: String?) {
    func json(_ command: String) throws -> [String: Any]? {
      let text = try Command.run("qemu-img", [command, "--output", "json", path]).expectSuccess()
      return try JSONSerialization.jsonObject(with: text.stdout.data(using: .utf8) ?? Data())
        as? [String: Any]
    }
    let info = try json("info")
    let format = info?["format-specific"] as? [String: Any]
    let data = format?["data"] as? [String: Any]
    return (
      data?["compression-type"] as? String,
      try json("check")?["compressed-clusters"] as? Int ?? 0, info?["backing-filename"] as? String
    )
  }

  @Test(arguments: LibvirtMode.available)
  func `compressed backups stand on others and others on them, are restored and merged`(
    mode: LibvirtMode
  ) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    let domain = history.domain
    let methods = ["zstd", nil, "zlib", "zstd", "zstd"]
    for (number, method) in methods.enumerated() {
      for disk in ["vda", "vdb"] {
        try domain.write(disk, "write -P \(number + 1) \(number)M 4M")
        try domain.write(disk, "write -z \(number * 300)k 64k")
      }
      // The last one of a domain that is shut off.
      if number == methods.count - 1 { try domain.destroy() }
      if let method {
        try history.backUp("p\(number)", "--compress", method)
      } else {
        try history.backUp("p\(number)")
      }
    }
    for (number, method) in methods.enumerated() {
      for disk in ["vda", "vdb"] {
        let found = try Self.describe(
          history.pool.path("\(domain.name).p\(number).\(disk).qcow2"))
        #expect((found.clusters > 0) == (method != nil), "p\(number): \(found)")
        #expect(found.method == method ?? "zlib", "p\(number): \(found)")
        let isFull = number == 0 || number == 4 && disk == "vdb"
        #expect(
          found.backing == (isFull ? nil : "\(domain.name).p\(number - 1).\(disk).qcow2"))
      }
    }
    let full = try #require(try history.info("p0").disk("vda"))
    #expect(full.size < 1 << 20)
    expect(try history.storedDifferences(), [])
    expect(try history.differences(), [])

    for point in ["p1", "p0", "p3"] {
      try history.run("backup-delete", point).expectSuccess()
      history.drop([point])
      #expect(try history.storedDifferences() == [], "after \(point) was deleted")
    }
    expect(try history.differences(), [])

    let copy = "\(domain.name)-copy"
    defer { history.libvirt.discard(copy) }
    try history.run(
      "backup-restore", "p4", "--newname", copy, "--live", "--paused", "--format", "qcow2"
    ).expectSuccess()
    try history.libvirt.virsh("destroy", copy)
    for (disk, reference) in history.references["p4"] ?? [:] {
      #expect(
        try reference.difference(
          from: "\(domain.directory)/\(copy)-\(disk).qcow2", format: .qcow2) == nil, "\(disk)")
    }
  }

  @Test func `what cannot be compressed is refused`() throws {
    let history = try History(PrivateLibvirt.shared(.session), disks: [TestDisk("vda")])
    defer { history.remove() }
    var result = try history.run("backup-create", "--compress", "lz4")
    #expect(result.status == 1)
    #expect(result.stderr.contains("compression 'lz4' is not one of zstd, zlib"), "\(result)")
    let file = "\(history.domain.directory)/copy.xml", copy = "\(history.domain.directory)/copy"
    try
      "<domainbackup><disks><disk name='vda' type='file'><target file='\(copy)'/></disk></disks></domainbackup>"
      .write(toFile: file, atomically: false, encoding: .utf8)
    result = try history.run("backup-create", "--compress", "zstd", "--xmlfile", file)
    #expect(result.status == 1)
    #expect(result.stderr.contains("copies to a <target> are not compressed"), "\(result)")
    #expect(try history.pool.files() == [])
    #expect(!FileManager.default.fileExists(atPath: copy))
  }
}
