// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Clients that are killed right after one of their libvirt calls: what the next command makes of it.
struct KilledClientTests {
  /// A third of a client's calls on one hypervisor; all three in session mode, one in system mode.
  struct Share: Sendable, CustomTestStringConvertible {
    let mode: LibvirtMode
    let first: Int

    var testDescription: String { "\(mode), every third call from \(first)" }

    static let all = LibvirtMode.available.reversed().flatMap { mode in
      (1...(mode == .session ? 3 : 1)).map { Share(mode: mode, first: $0) }
    }

    /// Runs a command again and again, killed after ever later calls, until it ends by itself.
    ///
    /// - Parameter round: Is given the number of the call; returns how the command ended.
    /// - Throws: What the round throws.
    func killAfterEach(_ round: (Int) throws -> CommandResult.Ending) throws {
      var number = first
      while try round(number) == .signalled(SIGKILL) {
        number += 3
        try #require(number < 600, "the command never ended by itself")
      }
      // Fewer calls than that and nothing was tried.
      #expect(number > 20)
    }
  }

  private static func killing(at number: Int) -> [String: String] {
    ["VIRSH_BACKUP_KILL_AT": "\(number)"]
  }

  @Test(arguments: Share.all)
  func `a create killed after any of its calls is finished or undone`(share: Share) throws {
    let scene = try Scene(PrivateLibvirt.shared(share.mode))
    defer { scene.remove() }
    let domain = scene.domain
    var references: [String: [String: ReferenceImage]] = [:]
    var base = "base"
    func write(_ pattern: Int, at place: Int) throws {
      for disk in ["vda", "vdb"] {
        try domain.write(disk, "write -P \(pattern % 255 + 1) \(place * 100)k 70k")
      }
    }
    func create(_ point: String, _ mode: String) throws {
      references[point] = try domain.save()
      try scene.run("backup-create", "--backupname", point, mode).expectSuccess()
    }
    try write(7, at: 3)
    try create(base, "--full")

    try share.killAfterEach { number in
      try write(number, at: number % 40)
      references["killed\(number)"] = try domain.save()
      let files = try scene.pool.files()
      let killed = try scene.run(
        "backup-create", "--backupname", "killed\(number)",
        environment: Self.killing(at: number))
      if try hasDoneNothing(scene, files) { return killed.ending }
      try write(number + 1, at: number % 37 + 40)

      // One time in three the next create comes at once, else two clients settle together.
      if number / 3 % 3 != 0 {
        let clients = try [scene.start("backup-jobinfo"), scene.start("backup-jobinfo")]
        for client in clients { try client.wait().expectSuccess() }
      }
      // The base is still there, whatever happened: nothing makes this one full.
      try create("next\(number)", "--incremental")
      try scene.expectNoStrays("after call \(number)")
      #expect(try domain.state() == "running", "after call \(number)")

      let points = try scene.points()
      for point in ["killed\(number)", "next\(number)"] where points.contains(point) {
        #expect(
          try scene.differences(point, references[point] ?? [:]) == [], "call \(number)")
      }
      if points.count > 10 {
        try check(points, of: scene, references)
        try scene.run("backup-delete", base, "--children").expectSuccess()
        base = "base\(number)"
        try create(base, "--full")
      }
      return killed.ending
    }
    try check(try scene.points(), of: scene, references)
  }

  /// Whether a client died before it changed anything, so that nothing has to be settled.
  private func hasDoneNothing(_ scene: Scene, _ files: [String]) throws -> Bool {
    guard try scene.pool.files() == files else { return false }
    try scene.expectNoStrays("nothing was begun")
    return true
  }

  /// Every listed point is right, and the newest is right when it was really restored.
  private func check(
    _ points: [String], of scene: Scene, _ references: [String: [String: ReferenceImage]]
  ) throws {
    for point in points {
      #expect(try scene.differences(point, references[point] ?? [:]) == [], "\(point)")
    }
    guard let newest = points.last else { return }
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try scene.run(
      "backup-restore", newest, "--no-define", "--target-pool", directory
    ).expectSuccess()
    for (disk, reference) in references[newest] ?? [:] {
      let format: TestDisk.Format = disk == "vdb" ? .raw : .qcow2
      let path = "\(directory)/\(disk).\(format.rawValue)"
      #expect(try reference.difference(from: path, format: format) == nil)
    }
  }

  @Test(arguments: Share.all)
  func `a restore killed after any of its calls is finished or undone`(share: Share) throws {
    // A daemon of its own: helper domains of other tests come and go on the shared one.
    let libvirt = try PrivateLibvirt(share.mode)
    defer { libvirt.close() }
    let scene = try Scene(libvirt)
    try scene.domain.write("vda", "write -P 0x31 1M 1M")
    try scene.domain.write("vdb", "write -P 0x32 2M 300k")
    let references = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let directory = try libvirt.makeDirectory("restored")
    let newName = libvirt.uniqueName("copy")
    func run(_ environment: [String: String] = [:]) throws -> CommandResult {
      try Program.run(
        libvirt,
        scene.arguments(
          "backup-restore", ["p", "--newname", newName, "--target-pool", directory]),
        environment: environment)
    }

    try share.killAfterEach { number in
      let files = try scene.pool.files()
      let killed = try run(Self.killing(at: number))
      let isDefined = try libvirt.domainNames().contains(newName)
      if try !isDefined && hasDoneNothing(scene, files) { return killed.ending }
      let isRepeated = number / 3 % 3 == 0
      if isRepeated {
        // It settles first: what was finished by that is in its way.
        let again = try run()
        #expect(again.status == 0 || again.stderr.contains("exist"), "\(again)")
      } else {
        let clients = try [scene.start("backup-jobinfo"), scene.start("backup-jobinfo")]
        for client in clients { try client.wait().expectSuccess() }
      }
      try scene.expectNoStrays("after call \(number)")
      let made = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      if try libvirt.domainNames().contains(newName) {
        #expect(made == ["\(newName)-vda.qcow2", "\(newName)-vdb.img"], "call \(number)")
        for (disk, reference) in references {
          let (ending, format): (String, TestDisk.Format) =
            disk == "vda" ? ("qcow2", .qcow2) : ("img", .raw)
          let path = "\(directory)/\(newName)-\(disk).\(ending)"
          #expect(
            try reference.difference(from: path, format: format) == nil, "after call \(number)")
        }
        try libvirt.virsh("undefine", newName)
        for file in made { try FileManager.default.removeItem(atPath: "\(directory)/\(file)") }
      } else {
        #expect(!isRepeated, "nothing was restored after call \(number)")
        #expect(made == [], "after call \(number)")
      }
      let helpers = try libvirt.domainNames().filter { $0.hasPrefix("virsh-backup") }
      #expect(helpers == [], "after call \(number)")
      return killed.ending
    }
    #expect(try scene.differences("p", references) == [])
    #expect(try scene.domain.state() == "running")
  }

  @Test(arguments: Share.all)
  func `a delete killed after any of its calls is finished or never began`(share: Share) throws {
    let scene = try Scene(PrivateLibvirt.shared(share.mode))
    defer { scene.remove() }
    let domain = scene.domain
    var references: [String: [String: ReferenceImage]] = [:]
    func create(_ point: String, _ pattern: Int) throws {
      try domain.write("vda", "write -P \(pattern % 255 + 1) 1M 100k")
      try domain.write("vdb", "write -P \(pattern % 255 + 1) 2M 100k")
      references[point] = try domain.save()
      try scene.run("backup-create", "--backupname", point).expectSuccess()
    }
    try create("root", 1)

    var points: [String] = []
    try share.killAfterEach { number in
      if points.isEmpty {
        points = ["a", "b"].map { "\($0)\(number)" }
        for (place, point) in points.enumerated() { try create(point, number + place) }
      }
      let files = try scene.pool.files()
      let killed = try scene.run(
        "backup-delete", points[0], "--children", environment: Self.killing(at: number))
      if try hasDoneNothing(scene, files) { return killed.ending }
      // Before anybody settles: a point that is listed as complete is.
      for point in try scene.points() {
        #expect(
          try scene.differences(point, references[point] ?? [:]) == [],
          "\(point), not settled after call \(number)")
      }
      if number / 3 % 2 == 0,
        try scene.pool.files().contains(where: { $0.hasSuffix(".partial.xml") })
      {
        // Whatever was left, the same command goes on with it.
        let again = try scene.run("backup-delete", points[0], "--children").expectSuccess()
        for point in points {
          #expect(
            again.stdout.contains("Domain backup \(point) deleted"), "call \(number): \(again)")
        }
      } else {
        try scene.run("backup-jobinfo").expectSuccess()
      }
      try scene.expectNoStrays("after call \(number)")
      let left = try scene.points()
      #expect(left == ["root"] || left == ["root"] + points, "after call \(number)")
      if left.count == 1 { points = [] }
      #expect(try scene.differences("root", references["root"] ?? [:]) == [])
      return killed.ending
    }
  }
}
