// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Points deleted from anywhere in a chain.
struct MergeTests {
  /// Numbers that are the same in every run.
  private struct Dice: RandomNumberGenerator {
    var state: UInt64 = 2016

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 11
    }
  }

  private static func change(_ history: History, _ number: Int) throws {
    for target in ["vda", "vdb"] {
      try history.domain.write(target, "write -P \(number + 1) \(number * 700)k 100k")
      try history.domain.write(target, "write -z -u \(number * 500 + 64)k 64k")
      try history.domain.write(target, "discard \(number * 300 + 128)k 128k")
      try history.domain.write(target, "write -P \(number + 100) 15M 64k")
    }
  }

  /// A chain of points with a branch of differentials.
  private static func make(_ history: History, _ count: Int) throws {
    for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 0xff 0 16M") }
    for number in 0..<count {
      try change(history, number)
      if number == 4 || number == 5 {
        try history.backUp("p\(number)", "--parent", "p3")
      } else {
        try history.backUp("p\(number)")
      }
    }
  }

  /// Bytes the pool's files take.
  private static func usage(_ pool: Pool) throws -> Int {
    let text = try Command.run("du", ["-sB1", pool.directory]).expectSuccess().stdout
    return text.split(separator: "\t").first.flatMap { Int($0) } ?? 0
  }

  private static func expectWhole(_ history: History, _ when: String) throws {
    #expect(try history.listed() == history.points, "\(when)")
    #expect(try history.storedDifferences() == [], "\(when)")
    for file in try history.pool.files() where file.hasSuffix(".qcow2") {
      let info = try Command.run(
        "qemu-img", ["info", "--output", "json", history.pool.path(file)]
      ).expectSuccess().stdout
      if let link = info.firstMatch(of: /"backing-filename": "([^"]*)"/)?.1 {
        #expect(!link.contains("/"), "\(file) stands on \(link), \(when)")
      }
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `after deletes in any order, killed or not, every other point is what it was`(
    mode: LibvirtMode
  ) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    try Self.make(history, 20)
    var dice = Dice()
    var rest = history.points
    while rest.count > 1 {
      let point = rest.remove(at: Int.random(in: rest.indices, using: &dice))
      let before = try Self.usage(history.pool)
      let info = try history.info(point)
      history.drop([point])
      var isListed = true
      if Bool.random(using: &dice) {
        // Killed at any moment, the others are whole then too.
        let call = Int.random(in: 5...70, using: &dice)
        _ = try Program.run(
          history.libvirt,
          ["backup-delete", history.domain.name, point, "--pool", history.pool.name],
          environment: ["VIRSH_BACKUP_KILL_AT": String(call)])
        let listed = try history.listed()
        #expect(rest.allSatisfy(listed.contains), "\(listed) after a kill in \(point)")
        #expect(try history.storedDifferences() == [], "killed at call \(call) in \(point)")
        isListed = listed.contains(point)
      }
      if isListed {
        let output = try history.run("backup-delete", point).expectSuccess().stdout
        #expect(output.contains("Domain backup \(point) deleted"))
      } else {
        // What was killed late is settled by the next command.
        try history.run("backup-jobinfo").expectSuccess()
      }
      if info.children.count < 2 {
        // A volume grows by what it takes over, never by more than the one that goes had.
        #expect(try Self.usage(history.pool) <= before + 65536 * 4, "after \(point) was deleted")
      }
      try Self.expectWhole(history, "after \(point) was deleted")
    }
    // The full data is in the one that is left, and only there.
    #expect(try Self.usage(history.pool) < 2 * (17 << 20))
    try expect(history.differences(), [])
    let last = try history.info(nil)
    #expect(last.type == "full" && last.parent == nil && last.children == [])
    #expect(try history.domain.leftovers() == [])
  }

  @Test func `a delete killed at any call is finished by the same command`() throws {
    let history = try History(PrivateLibvirt.shared(.session))
    defer { history.remove() }
    try Self.make(history, 8)
    var call = 1
    for point in ["p3", "p0", "p6", "p2", "p4"] {
      var ending = CommandResult.Ending.signalled(SIGKILL)
      var kills = 0
      while ending == .signalled(SIGKILL) {
        let result = try Program.run(
          history.libvirt,
          ["backup-delete", history.domain.name, point, "--pool", history.pool.name],
          environment: kills < 4 ? ["VIRSH_BACKUP_KILL_AT": "\(call)"] : [:])
        ending = result.ending
        kills += 1
        call = call % 60 + 7
        // Listed or not: the points that stay are whole at every moment.
        let others = history.points.filter { $0 != point }
        let listed = try history.listed()
        #expect(others.allSatisfy(listed.contains), "\(listed) after a kill in \(point)")
        let stay = history.points
        history.drop([point])
        #expect(try history.storedDifferences() == [], "after a kill in \(point)")
        if !listed.contains(point), ending != .exited(0) { ending = .exited(0) }
        if listed.contains(point) { history.restore(stay) }
      }
      // What was killed after the manifest went is settled by the next command.
      _ = try history.run("backup-jobinfo").expectSuccess()
      history.drop([point])
      try Self.expectWhole(history, "after \(point) was deleted")
      #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    }
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a delete goes on without its client, and the next command finishes it`(
    mode: LibvirtMode
  ) throws {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 256 << 20)])
    defer { history.remove() }
    try history.domain.write("vda", "write -P 0x41 0 200M")
    for (point, pattern) in [("a", 0x42), ("b", 0x43), ("c", 0x44)] {
      try history.domain.write("vda", "write -P \(pattern) 1M 64k")
      try history.backUp(point)
    }
    func delete(_ point: String) throws {
      let started = try history.run("backup-delete", point, "--async").expectSuccess().stdout
      #expect(started.contains("Deletion of domain backup \(point) started"))
    }
    try delete("a")
    try eventually("the delete is finished", within: .seconds(60)) {
      try history.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    history.drop(["a"])
    try Self.expectWhole(history, "after a was deleted")

    try delete("b")
    if try history.run("backup-jobabort").status == 0 {
      try Self.expectWhole(history, "after it was cancelled")
      try history.run("backup-delete", "b").expectSuccess()
    }
    history.drop(["b"])
    try Self.expectWhole(history, "after b was deleted")
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    try expect(history.differences(), [])
  }

  /// Kills the QEMU that merges, once it has copied all, as a host that loses its power would.
  private static func killHelper(_ history: History) throws {
    for helper in try history.helpers() {
      guard let pid = history.libvirt.qemuPID(domain: helper) else { continue }
      kill(pid, SIGKILL)
    }
    try eventually("the helper is gone") { try history.helpers().isEmpty }
  }

  @Test func `QEMU killed when all is merged takes nothing with it`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)])
    defer { history.remove() }
    var points: [String] = []
    let rounds = Rounds.count(4)
    for number in 0...rounds + 2 {
      // Each in a part of the image's tables that the others have nothing in.
      try history.domain.write("vda", "write -P \(number + 1) \(number % 2 * 32 + 1)M 3M")
      points.append("p\(number)")
      try history.backUp("p\(number)")
    }
    for round in 0..<rounds {
      let point = points.remove(at: 1)
      try history.run("backup-delete", point, "--async").expectSuccess()
      try eventually("all is copied", within: .seconds(60)) {
        try history.helpers().allSatisfy { helper in
          let jobs = try history.libvirt.monitor(helper, "query-jobs") as? [[String: Any]] ?? []
          return !jobs.isEmpty
            && jobs.allSatisfy { ["pending", "concluded"].contains($0["status"] as? String) }
        }
      }
      // At first before anybody looked, then with the next command in the midst of its work.
      if round > 0 {
        _ = try Program.run(
          history.libvirt, ["backup-jobinfo", history.domain.name, "--pool", history.pool.name],
          environment: ["VIRSH_BACKUP_KILL_AT": "\(8 + round * 6)"])
      }
      try Self.killHelper(history)
      history.drop([point])
      #expect(try history.storedDifferences() == [], "\(point), round \(round)")
      try history.run("backup-jobinfo").expectSuccess()
      try Self.expectWhole(history, "after \(point) was deleted, round \(round)")
    }
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    try expect(history.differences(), [])
  }

  @Test func `a link that says that all is merged is not believed`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 16 << 20)])
    defer { history.remove() }
    for number in 0..<3 {
      try history.domain.write("vda", "write -P \(number + 1) \(number)M 2M")
      try history.backUp("p\(number)")
    }
    func hasBegun() throws -> Bool {
      try history.pool.files().contains { file in
        guard file.hasSuffix(".partial.xml") else { return false }
        return try String(contentsOfFile: history.pool.path(file), encoding: .utf8)
          .contains("</delete>")
      }
    }
    for call in 1...60 where try !hasBegun() {
      _ = try Program.run(
        history.libvirt, ["backup-delete", history.domain.name, "p1", "--pool", history.pool.name],
        environment: ["VIRSH_BACKUP_KILL_AT": "\(call)"])
    }
    #expect(try hasBegun() && history.listed() == ["p0", "p1", "p2"])
    // As QEMU leaves it when it is killed before it has written its tables.
    func image(_ point: String) -> String { "\(history.domain.name).\(point).vda.qcow2" }
    try Command.run(
      "qemu-img",
      [
        "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", image("p0"),
        history.pool.path(image("p2")),
      ]
    ).expectSuccess()
    try history.run("backup-jobinfo").expectSuccess()
    history.drop(["p1"])
    try Self.expectWhole(history, "after p1 was deleted")
  }

  @Test func `a delete that is given up leaves every point`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 512 << 20)])
    defer { history.remove() }
    try history.domain.write("vda", "write -P 0x41 0 400M")
    try history.backUp("a")
    try history.domain.write("vda", "write -P 0x42 0 64k")
    try history.backUp("b")
    let client = try Program.start(
      history.libvirt, ["backup-delete", history.domain.name, "a", "--pool", history.pool.name])
    try eventually("the merge is written down") {
      try history.pool.files().contains { $0.hasSuffix(".partial.xml") }
    }
    kill(client.pid, SIGINT)
    let result = try client.wait()
    if result.status == 1 {
      #expect(result.stderr.contains("interrupted"), "\(result)")
      try Self.expectWhole(history, "after ^C")
      try history.run("backup-delete", "a").expectSuccess()
    }
    history.drop(["a"])
    try Self.expectWhole(history, "in the end")
  }
}
