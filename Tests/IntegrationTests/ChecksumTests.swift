// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Checksums of backups: what they find, who else reads them, and that they are never stale.
struct ChecksumTests {
  private static func make(_ mode: LibvirtMode, _ points: [String]) throws -> History {
    let history = try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 4 << 20), TestDisk("vdb", .raw, size: 4 << 20)])
    for (number, point) in points.enumerated() {
      for disk in ["vda", "vdb"] {
        try history.domain.write(disk, "write -P \(number + 1) \(number * 256)k 256k")
      }
      try history.backUp(point, "--checksum")
    }
    return history
  }

  private static func verify(_ history: History, _ more: String...) throws -> Verified {
    try Verified(
      Program.run(
        history.libvirt,
        ["backup-verify", history.domain.name, "--pool", history.pool.name, "--json"] + more))
  }

  private static func volumes(_ history: History) throws -> [String] {
    try history.pool.files().filter { $0.hasSuffix(".qcow2") }
  }

  @Test(arguments: LibvirtMode.available)
  func `a flipped bit in any volume is found, by stock tools too, and makes what needs it damaged`(
    mode: LibvirtMode
  ) throws {
    let history = try Self.make(mode, ["p0", "p1", "p2"])
    defer { history.remove() }
    let name = history.domain.name
    #expect(try history.pool.checkSums().status == 0)
    let sound = try Self.verify(history, "--checksums")
    #expect(sound.result.status == 0 && sound.backups.count == 3, "\(sound.result)")
    #expect(sound.backups.values.allSatisfy { $0.isPassed && $0.checksums == "ok" })

    let volumes = try Self.volumes(history)
    var generator = SystemRandomNumberGenerator()
    for round in 0..<Rounds.count(6) {
      let volume = volumes[round % volumes.count]
      let offset = UInt64.random(in: 0..<(try history.pool.length(of: volume)), using: &generator)
      try history.pool.flip(volume, at: offset)
      let found = try Self.verify(history, "--checksums")
      #expect(found.result.status == 1, "\(volume) at \(offset): \(found.result)")
      let point = String(volume.dropFirst(name.count + 1).prefix(2))
      for (other, backup) in found.backups {
        // The points that stand on the damaged one need its volume too.
        #expect(backup.isPassed == (other < point), "\(volume) at \(offset), \(other)")
        #expect(backup.volumes == (other < point ? [] : [volume]), "\(volume) at \(offset)")
      }
      #expect(try history.pool.checkSums().status != 0, "\(volume) at \(offset)")
      try history.pool.flip(volume, at: offset)
    }
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a restore refuses what is not what it was, unless it is told not to look`(
    mode: LibvirtMode
  ) throws {
    let history = try Self.make(mode, ["p0", "p1"])
    defer { history.remove() }
    let directory = try history.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func restore(_ point: String, _ more: String...) throws -> CommandResult {
      try Program.run(
        history.libvirt,
        [
          "backup-restore", history.domain.name, point, "--pool", history.pool.name, "--newname",
          "r", "--no-define", "--target-pool", directory,
        ] + more)
    }
    let volume = "\(history.domain.name).p0.vdb.qcow2"
    let offset = try history.pool.length(of: volume) - 100
    try history.pool.flip(volume, at: offset)
    let files = try history.pool.files()
    let refused = try restore("p1")
    #expect(refused.status == 1 && refused.stderr.contains(volume), "\(refused)")
    #expect(refused.stderr.contains("--no-verify"), "\(refused)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    // The damage that the restore found is known to all clients from then on.
    #expect(
      try history.pool.files() == (files + ["\(history.domain.name).p0.verified.xml"]).sorted())
    let again = try restore("p1")
    #expect(again.status == 1 && again.stderr.contains(volume), "\(again)")
    #expect(again.stderr.contains("backup-verify --checksums"), "\(again)")
    let told = try history.run("backup-verify", "p1", "--json")
    #expect(told.status == 1 && told.stdout.contains(#""state":"damaged""#), "\(told)")
    try history.domain.write("vdb", "write -P 9 3M 64k")
    let info = try history.backUp("p2")
    #expect(info.reasons == ["vdb base_damaged"])
    try restore("p1", "--no-verify").expectSuccess()

    try history.pool.flip(volume, at: offset)
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a merge takes checksums back and makes them anew, and a delete takes them along`(
    mode: LibvirtMode
  ) throws {
    let history = try Self.make(mode, ["p0", "p1", "p2", "p3"])
    defer { history.remove() }
    let name = history.domain.name
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try history.run("backup-delete", "p1").expectSuccess()
    history.drop(["p1"])
    #expect(try history.pool.checkSums().status == 0)
    #expect(try history.pool.files().filter { $0.contains(".p1.") } == [])
    // The record of the point that took over the data is not true any more, and is gone.
    #expect(try !history.pool.files().contains("\(name).p2.verified.xml"))
    let found = try Self.verify(history, "--checksums")
    #expect(found.backups.mapValues(\.checksums) == ["p0": "ok", "p2": "ok", "p3": "ok"])

    // A disk of one goes.
    try history.run("backup-delete", "p3", "--diskspec", "vdb").expectSuccess()
    history.drop("vdb", of: "p3")
    #expect(try history.pool.checkSums().status == 0)
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try expect(history.differences(), [])
    try history.run("backup-delete", "p0", "--children").expectSuccess()
    #expect(try history.pool.files() == [])
  }

  @Test func `a merge that is killed leaves no checksums that are wrong`() throws {
    let history = try Self.make(.session, ["p0", "p1", "p2"])
    defer { history.remove() }
    var number = 15
    for round in 0..<Rounds.count(3) {
      number += 6
      let killed = try Program.run(
        history.libvirt,
        ["backup-delete", history.domain.name, "p1", "--pool", history.pool.name],
        environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      // Whatever is there is right, or says nothing.
      for file in try history.pool.files() where file.hasSuffix(".sha256") {
        let text = try String(contentsOfFile: history.pool.path(file), encoding: .utf8)
        guard text.contains("  ") else { continue }
        let told = try Command.run(
          "sha256sum", ["-c", "--quiet", file], directory: history.pool.directory)
        #expect(told.status == 0, "after call \(number): \(told)")
      }
      try history.run("backup-jobinfo").expectSuccess()
      #expect(try history.pool.checkSums().status == 0, "after call \(number)")
      if try !history.listed().contains("p1") {
        history.drop(["p1"])
        break
      }
      guard killed.ending != .exited(0) else { break }
      _ = round
    }
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `what is damaged is not merged, so that no new checksum takes it for right`(
    mode: LibvirtMode
  ) throws {
    let history = try Self.make(mode, ["p0", "p1", "p2", "p3"])
    defer { history.remove() }
    let name = history.domain.name
    let volume = "\(name).p1.vda.qcow2"
    let offset = try history.pool.length(of: volume) - 100
    try history.pool.flip(volume, at: offset)
    let fingerprint = try history.pool.fingerprint()
    func expectRefusal(_ command: String...) throws {
      let refused = try Program.run(
        history.libvirt, command + ["--pool", history.pool.name])
      #expect(refused.status == 1, "\(command): \(refused)")
      #expect(refused.stderr.contains("volume '\(volume)'"), "\(command): \(refused)")
      #expect(try history.pool.fingerprint() == fingerprint, "\(command)")
    }
    // Each of them would make an image of the damaged one's data.
    // The first does not know of the damage when it decides.
    try expectRefusal("backup-prune", name, "--keep-last", "1")
    try expectRefusal("backup-delete", name, "p1")
    try expectRefusal("backup-delete", name, "p0")
    try expectRefusal("backup-delete", name, "p0", "p1")
    try expectRefusal("backup-delete", name, "p1", "--async")
    // The damage is known from then on, whoever asks.
    #expect(try history.run("backup-list").stderr.contains("3 damaged backup(s), see --details"))
    let listed = try history.run("backup-list", "--details").expectSuccess().stdout
    for (point, state) in ["p0": "complete", "p1": "damaged", "p2": "damaged", "p3": "damaged"] {
      let line = listed.split(separator: "\n").first { $0.contains(" \(point) ") }
      #expect(line?.contains(state) == true, "\(point): \(listed)")
    }
    // A delete that needs no merge is done.
    try history.run("backup-delete", "p1", "--children").expectSuccess()
    history.drop(["p1", "p2", "p3"])
    #expect(try history.listed() == ["p0"])
    try expect(history.differences(), [])
  }

  @Test func `a delete that was left is undone where what it would merge is damaged`() throws {
    let history = try Self.make(.session, ["p0", "p1", "p2"])
    defer { history.remove() }
    let volume = "\(history.domain.name).p1.vdb.qcow2"
    let delete = ["backup-delete", history.domain.name, "p1", "--pool", history.pool.name]
    let end = try history.pool.length(of: volume) - 100
    var isTold = false
    // A client that is killed at first has not written down all of what it is about to do.
    for number in stride(from: 11, to: 60, by: 4) where !isTold {
      _ = try Program.run(
        history.libvirt, delete, environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      try history.pool.flip(volume, at: end)
      isTold = try history.run("backup-jobinfo").expectSuccess().stdout.contains(
        "volume '\(volume)'")
      if !isTold { try history.pool.flip(volume, at: end) }
    }
    #expect(isTold)
    #expect(try history.listed() == ["p0", "p1", "p2"])
    #expect(try !history.pool.files().contains { $0.contains("partial") })
    #expect(try history.pool.checkSums().status != 0)
  }

  @Test func `damage that was found is known although the checksums are gone or are none`() throws {
    let history = try Self.make(.session, ["p0", "p1"])
    defer { history.remove() }
    let volume = "\(history.domain.name).p0.vda.qcow2"
    let sums = history.pool.path("\(history.domain.name).p0.sha256")
    try history.pool.flip(volume, at: try history.pool.length(of: volume) - 100)
    #expect(try Self.verify(history, "--checksums").result.status == 1)
    let text = try String(contentsOfFile: sums, encoding: .utf8)
    for (what, content) in [("gone", nil), ("none", "not a checksum\n"), ("empty", "")] {
      try FileManager.default.removeItem(atPath: sums)
      if let content { try content.write(toFile: sums, atomically: false, encoding: .utf8) }
      for option in ["--checksums", "--update"] {
        let found = try Self.verify(history, option)
        #expect(found.result.status == 1, "\(what) \(option): \(found.result)")
        #expect(found.backups["p0"]?.isPassed == false, "\(what) \(option): \(found.result)")
        #expect(found.backups["p1"]?.isPassed == false, "\(what) \(option): \(found.result)")
      }
      if content == nil { try text.write(toFile: sums, atomically: false, encoding: .utf8) }
    }
    // Without known damage, what cannot be read as checksums is told.
    try text.write(toFile: sums, atomically: false, encoding: .utf8)
    try history.pool.flip(volume, at: try history.pool.length(of: volume) - 100)
    #expect(try Self.verify(history, "--checksums").result.status == 0)
    try "nothing\n".write(toFile: sums, atomically: false, encoding: .utf8)
    let unreadable = try Self.verify(history, "--checksums")
    #expect(unreadable.result.status == 1, "\(unreadable.result)")
    #expect(unreadable.result.stdout.contains("--update"), "\(unreadable.result)")
    #expect(try Self.verify(history, "--update").result.status == 0)
    #expect(try history.pool.checkSums().status == 0)
  }

  @Test func `checksums are made where there are none, and compared in turn`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 1 << 20)])
    defer { history.remove() }
    for (number, point) in ["p0", "p1", "p2", "p3"].enumerated() {
      try history.domain.write("vda", "write -P \(number + 1) \(number * 64)k 64k")
      try history.backUp(point)
    }
    let bare = try Self.verify(history, "--checksums")
    #expect(bare.result.status == 0)
    #expect(Set(bare.backups.values.map(\.checksums)) == ["none"])
    #expect(try !history.pool.files().contains { $0.hasSuffix(".sha256") })
    let made = try Self.verify(history, "--update")
    #expect(made.result.status == 0 && Set(made.backups.values.map(\.checksums)) == ["made"])
    #expect(try history.pool.checkSums().status == 0)
    // Each run takes those that were not compared for the longest time.
    for number in 0..<4 {
      let file = history.pool.path("\(history.domain.name).p\(number).verified.xml")
      let text = try String(contentsOfFile: file, encoding: .utf8)
      try text.replacing(
        #/level='checksums' time='[0-9]*'/#, with: "level='checksums' time='\(9 - number)'"
      ).write(toFile: file, atomically: false, encoding: .utf8)
    }
    for expected in [["p2", "p3"], ["p0", "p1"]] {
      let sampled = try Self.verify(history, "--checksums", "--sample", "50")
      #expect(sampled.backups.filter { $0.value.checksums == "ok" }.keys.sorted() == expected)
    }
    // A volume that was replaced is not taken for right.
    try history.pool.flip("\(history.domain.name).p3.vda.qcow2", at: 70000)
    let kept = try Self.verify(history, "p3", "--update")
    #expect(kept.result.status == 1 && kept.backups["p3"]?.checksums == "damaged")
    #expect(try history.pool.checkSums().status != 0)
    for option in ["--sample", "--max-time"] {
      #expect(try history.run("backup-verify", option, "5").status == 1)
    }
    #expect(try history.run("backup-verify", "--all").status == 1)
    #expect(try history.run("backup-create", "--checksum", "--async").status == 1)
  }
}
