// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Volumes that lost something, and what is said and done then.
struct DamageTests {
  /// What happens to an image.
  enum Damage: String, CaseIterable {
    case halved, rewritten, zeroed, scribbled

    /// Damages an image.
    func apply(to path: String) throws {
      let file = open(path, O_RDWR)
      guard file >= 0 else { throw CommandError("cannot open \(path)") }
      defer { close(file) }
      /// A number of the header, or of a table.
      func number(_ offset: UInt64) -> UInt64 {
        var bytes: UInt64 = 0
        pread(file, &bytes, 8, off_t(offset))
        return UInt64(bigEndian: bytes)
      }
      func write(_ byte: UInt8, at offset: UInt64, count: Int) {
        let bytes = [UInt8](repeating: byte, count: count)
        pwrite(file, bytes, count, off_t(offset))
      }
      let l1 = number(40), l2 = number(l1) & 0xff_ffff_ffff_fe00
      switch self {
      case .halved: ftruncate(file, lseek(file, 0, SEEK_END) / 2)
      // What stood in another image may lead anywhere.
      case .rewritten: write(0x55, at: l1, count: 8)
      case .zeroed: write(0, at: l2, count: 4096)
      case .scribbled: write(0x5a, at: l2, count: 4096)
      }
    }
  }

  private static func make(_ mode: LibvirtMode, _ points: [String]) throws -> History {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 8 << 20)])
    for (number, point) in points.enumerated() {
      try history.domain.write("vda", "write -P \(number + 1) \(number)M 1M")
      try history.backUp(point)
    }
    return history
  }

  /// The states of all backups of the domain, by their names.
  private static func states(_ history: History) throws -> [String: String] {
    let text = try Program.expectSuccess(
      history.libvirt, "backup-list", "--all", "--json", "--domain", history.domain.name, "--pool",
      history.pool.name)
    let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let backups = try #require(root?["backups"] as? [[String: Any]])
    return Dictionary(
      backups.compactMap { backup in
        (backup["name"] as? String).map { ($0, backup["state"] as? String ?? "") }
      }, uniquingKeysWith: { $1 })
  }

  /// What `backup-info` says of a point, as lines and as a document.
  private static func info(
    _ history: History, _ point: String
  ) throws -> (text: String, problems: [[String: String]]) {
    let text = try history.run("backup-info", point).expectSuccess().stdout
    let document = try history.run("backup-info", point, "--json").expectSuccess().stdout
    let root = try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any]
    return (text, root?["problems"] as? [[String: String]] ?? [["volume": "not said"]])
  }

  @Test(arguments: LibvirtMode.available)
  func `a damaged volume is named, and nothing is made of it`(mode: LibvirtMode) throws {
    let history = try Self.make(mode, ["p0", "p1", "p2"])
    defer { history.remove() }
    let directory = try history.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let volume = "\(history.domain.name).p2.vda.qcow2"
    let image = history.pool.path(volume), copy = "\(directory)/copy"
    try Command.run("cp", ["--preserve", "--sparse=always", image, copy]).expectSuccess()
    #expect(try Self.info(history, "p2").problems == [])
    for damage in Damage.allCases {
      try damage.apply(to: image)
      #expect(
        try Self.states(history) == ["p0": "complete", "p1": "complete", "p2": "damaged"],
        "\(damage)")
      let info = try Self.info(history, "p2")
      #expect(info.text.contains("damaged") && info.text.contains(volume), "\(info)")
      #expect(!info.text.contains("virsh-backup backup-restore"), "\(info)")
      #expect(info.problems.map { $0["volume"] } == [volume], "\(damage)")
      for refused in [
        try history.run("backup-restore", "p2", "--no-define", "--target-pool", directory),
        try history.run("backup-delete", "p1"),
        try history.run("backup-start-nbd", "--stored", "p2"),
      ] {
        #expect(refused.ending == .exited(1) && refused.stderr.contains(volume), "\(refused)")
      }
      if damage != Damage.allCases.last {
        try Command.run("cp", ["--preserve", "--sparse=always", copy, image]).expectSuccess()
      }
    }

    try history.domain.write("vda", "write -P 9 5M 64k")
    let named = try history.run("backup-create", "--parent", "p2")
    #expect(named.status == 1 && named.stderr.contains("damaged"), "\(named)")
    #expect(try history.run("backup-create", "--incremental").status == 1)
    #expect(try history.backUp("p3").reasons == ["vda base_damaged"])
    // It goes, and all others are what they were.
    try history.run("backup-delete", "p2").expectSuccess()
    history.drop(["p2"])
    #expect(try Self.states(history) == ["p0": "complete", "p1": "complete", "p3": "complete"])
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a backup that lacks a volume or its manifest is named and can be deleted`(
    mode: LibvirtMode
  ) throws {
    let history = try Self.make(mode, ["p0", "p1", "p2"])
    defer { history.remove() }
    let stem = history.domain.name
    try FileManager.default.removeItem(atPath: history.pool.path("\(stem).p1.vda.qcow2"))
    #expect(
      try Self.states(history)
        == ["p0": "complete", "p1": "missing volume", "p2": "missing volume"])
    for point in ["p1", "p2"] {
      let info = try Self.info(history, point)
      #expect(info.text.contains("\(stem).p1.vda.qcow2': it is gone"), "\(info)")
      #expect(!info.text.contains("virsh-backup backup-restore"), "\(info)")
      #expect(info.problems.map { $0["volume"] } == ["\(stem).p1.vda.qcow2"])
    }
    let refused = try history.run("backup-delete", "p1")
    #expect(
      refused.status == 1 && refused.stderr.contains("\(stem).p1.vda.qcow2")
        && refused.stderr.contains("--children"), "\(refused)")
    try history.run("backup-delete", "p1", "--children").expectSuccess()
    history.drop(["p1", "p2"])
    try expect(history.differences(), [])
    #expect(
      try history.pool.files() == ["\(stem).p0.backup.xml", "\(stem).p0.vda.qcow2"])

    // Its manifest is cut.
    try history.backUp("p3")
    let manifest = "\(stem).p3.backup.xml", path = history.pool.path(manifest)
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    try String(whole.prefix(whole.count / 2)).write(
      toFile: path, atomically: false, encoding: .utf8)
    #expect(try Self.states(history) == ["p0": "complete", manifest: "incomplete"])
    let confused = try history.run("backup-delete", manifest, "--children")
    #expect(confused.status == 1 && confused.stderr.contains("not known"), "\(confused)")
    let deleted = try history.run("backup-delete", manifest).expectSuccess()
    #expect(deleted.stdout.contains("Manifest \(manifest) deleted"), "\(deleted)")
    #expect(
      (deleted.stdout + deleted.stderr).contains("volume '\(stem).p3.vda.qcow2' is left"),
      "\(deleted)")
    #expect(try Self.states(history) == ["p0": "complete"])
    try whole.replacing("<backup version='1'", with: "<backup version='2'").write(
      toFile: path, atomically: false, encoding: .utf8)
    let newer = try history.run("backup-delete", manifest)
    #expect(newer.status == 1 && newer.stderr.contains("newer"), "\(newer)")
  }
}
