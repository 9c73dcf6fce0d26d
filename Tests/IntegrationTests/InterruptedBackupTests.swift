// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What becomes of a backup whose client, QEMU or daemon ends while the data is being copied.
struct InterruptedBackupTests {
  /// A domain with enough data that a copy can be caught, and its references.
  ///
  /// A job has 64 MiB in flight before anything can slow it down.
  private func makeScene(_ libvirt: PrivateLibvirt) throws -> (
    scene: Scene, references: [String: ReferenceImage]
  ) {
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", .raw, size: 8 << 20)])
    try scene.domain.write("vda", "write -P 0x41 0 224M")
    try scene.domain.write("vdb", "write -P 0x42 1M 2M")
    return (scene, try scene.domain.save())
  }

  @Test(arguments: LibvirtMode.available)
  func `copies go on when their client is killed, and the next command publishes the point`(
    mode: LibvirtMode
  ) throws {
    let (scene, references) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let client = try scene.startSlowly("p")
    client.signal(SIGKILL)
    _ = try client.wait()
    try scene.domain.write("vda", "write -P 0x51 0 60M")
    try scene.domain.write("vdb", "write -P 0x52 0 4M")

    let report = try scene.run("backup-jobinfo", "--json").expectSuccess().stdout
    #expect(report.contains("\"running\"") && report.contains("\"p\""), "\(report)")
    let shown = try scene.run("backup-jobinfo").expectSuccess().stdout
    for label in ["Average rate:", "Time remaining:"] {
      #expect(shown.contains(label), "\(shown)")
    }
    #expect(shown.contains("of 256.000 MiB, ") || shown.contains("of 224."), "\(shown)")
    let all = try Program.run(scene.libvirt, ["backup-jobinfo", "--pool", scene.pool.name])
      .expectSuccess().stdout
    let row = all.split(separator: "\n").dropFirst(2).map { $0.split(separator: " ") }
    #expect(row.count == 1 && row[0].starts(with: [Substring(scene.domain.name), "Create", "p"]))
    #expect(all.contains(" %"), "\(all)")
    #expect(try scene.points() == [])
    let refused = try scene.run("backup-create")
    #expect(refused.status == 1 && refused.stderr.contains("already running"), "\(refused)")
    #expect(try scene.domain.jobs().contains { $0.hasSuffix(" running") })

    try scene.setSpeed(0)
    try eventually("both copies are ready") {
      try scene.domain.jobs().allSatisfy { $0.hasSuffix(" pending") }
    }
    let clients = try (0..<3).map { _ in try scene.start("backup-jobinfo") }
    let results = try clients.map { try $0.wait().expectSuccess() }
    #expect(try scene.points() == ["p"], "\(results)")
    try scene.expectNoStrays()
    #expect(try scene.differences("p", references) == [])
    let later = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "q", "--incremental").expectSuccess()
    #expect(try scene.differences("q", later) == [])
    #expect(try scene.domain.state() == "running")
  }

  @Test(arguments: LibvirtMode.available, [SIGINT, SIGTERM])
  func `a backup that is interrupted says so and leaves nothing`(
    mode: LibvirtMode, signal: Int32
  ) throws {
    let (scene, _) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let client = try scene.startSlowly("p")
    client.signal(signal)
    let result = try client.wait()
    #expect(result.status == 1)
    #expect(result.stderr.hasSuffix("error: interrupted, nothing was kept\n"), "\(result)")
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()
    #expect(try scene.domain.ourBitmaps() == [])
    #expect(try scene.domain.state() == "running")
  }

  @Test(arguments: LibvirtMode.available, [SIGINT, SIGTERM])
  func `a restore that is interrupted says so and leaves nothing`(
    mode: LibvirtMode, signal: Int32
  ) throws {
    let (scene, references) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let (client, helper) = try scene.startRestoreSlowly("p", to: directory)
    let refused = try scene.run("backup-delete", "p")
    #expect(refused.status == 1 && refused.stderr.contains("is using it"), "\(refused)")
    #expect(refused.stderr.contains("backup-jobabort \(scene.domain.name) ends it"))
    client.signal(signal)
    let result = try client.wait()
    #expect(result.status == 1)
    #expect(result.stderr.hasSuffix("error: interrupted, nothing was kept\n"), "\(result)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    #expect(try !scene.libvirt.domainNames().contains(helper))
    try scene.expectNoStrays()
    #expect(try scene.differences("p", references) == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a backup that takes too long, or is aborted, leaves nothing`(mode: LibvirtMode) throws {
    let (scene, _) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    // On a busy machine it may be late before it copies anything.
    let late = try Program.run(scene.libvirt, scene.slowCreate("p", ["--timeout", "2"]))
    #expect(late.status == 1)
    #expect(late.stderr.hasSuffix("error: timed out, nothing was kept\n"), "\(late)")
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()

    let client = try scene.startSlowly("q")
    try scene.run("backup-jobabort").expectSuccess()
    let aborted = try client.wait()
    #expect(aborted.status == 1 && !aborted.stderr.isEmpty, "\(aborted)")
    #expect(!aborted.stderr.contains("ended while"), "\(aborted)")
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()
    #expect(try scene.domain.ourBitmaps() == [])
    let nothing = try scene.run("backup-jobabort")
    #expect(nothing.status == 1 && nothing.stderr.contains("no job is active"), "\(nothing)")
  }

  @Test(arguments: LibvirtMode.available)
  func `an asynchronous backup is published by the next command`(mode: LibvirtMode) throws {
    let (scene, references) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let started = try scene.run("backup-create", "--async", "--backupname", "p").expectSuccess()
    #expect(started.stdout.contains("Domain backup p started"), "\(started)")
    try scene.domain.write("vda", "write -P 0x61 50M 60M")
    try eventually("both copies are ready") {
      try scene.domain.jobs().allSatisfy { $0.hasSuffix(" pending") }
    }
    #expect(try scene.points() == [])
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p"])
    try scene.expectNoStrays()
    #expect(try scene.differences("p", references) == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `of two backups started together one is refused and the other is right`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    for round in 0..<4 {
      try scene.domain.write("vda", "write -P \(round + 1) \(round)M 300k")
      let references = try scene.domain.save()
      let clients = try ["a", "b", "c"].map {
        try scene.start("backup-create", "--backupname", "\($0)\(round)")
      }
      let results = try clients.map { try $0.wait() }
      for result in results where result.status != 0 {
        #expect(
          result.status == 1 && result.stderr.contains("Requested operation is not valid"),
          "\(result)")
      }
      // All may see each other and give way, but none may spoil another's.
      try scene.run("backup-jobinfo").expectSuccess()
      try scene.expectNoStrays()
      let made = try scene.points().filter { $0.hasSuffix("\(round)") }
      #expect(made.count == results.count { $0.status == 0 })
      for point in made { #expect(try scene.differences(point, references) == []) }
    }
    #expect(try scene.domain.state() == "running")
  }

  @Test(arguments: LibvirtMode.available)
  func `a backup whose QEMU is killed is undone`(mode: LibvirtMode) throws {
    let (scene, _) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "first").expectSuccess()
    let references = try scene.domain.save()
    let client = try scene.startSlowly("p")
    try scene.domain.killQEMU()
    let result = try client.wait()
    #expect(result.status == 1)
    #expect(
      result.stderr.contains(
        "domain '\(scene.domain.name)' ended while it was backed up; nothing of backup 'p' was kept"
      ),
      "\(result)")
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["first"])
    try scene.expectNoStrays()
    try scene.domain.start()
    try scene.domain.write("vda", "write -P 0x71 0 1M")
    let later = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "q").expectSuccess()
    #expect(try scene.differences("first", references) == [])
    #expect(try scene.differences("q", later) == [])
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a backup outlives the daemon, and the next command publishes it`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let (scene, references) = try makeScene(libvirt)
    let client = try scene.startSlowly("p")
    try libvirt.kill()
    let result = try client.wait()
    #expect(result.status == 1 && !result.stderr.isEmpty, "\(result)")
    try libvirt.start()
    _ = try? libvirt.virsh("pool-start", scene.pool.name)
    try scene.domain.write("vda", "write -P 0x81 0 60M")
    try scene.setSpeed(0)
    try eventually("both copies are ready") {
      try scene.domain.jobs().allSatisfy { $0.hasSuffix(" pending") }
    }
    let later = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "q", "--incremental").expectSuccess()
    #expect(try scene.points() == ["p", "q"])
    try scene.expectNoStrays()
    #expect(try scene.differences("p", references) == [])
    #expect(try scene.differences("q", later) == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `listing a thousand times during a backup changes nothing`(mode: LibvirtMode) throws {
    let (scene, references) = try makeScene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "first").expectSuccess()
    let client = try scene.startSlowly("p")
    // Its copy grows meanwhile: all but that, and what is in QEMU.
    func state() throws -> [String] {
      let files = try scene.pool.files().filter { !$0.contains(".p.vd") }
      return try files.map { file in
        let attributes = try FileManager.default.attributesOfItem(atPath: scene.pool.path(file))
        return "\(file) \(attributes[.modificationDate] ?? "") \(attributes[.size] ?? "")"
      } + scene.pool.files() + scene.domain.ourBitmaps().sorted()
        + scene.domain.ourNodes().sorted()
        + scene.domain.jobs().map { String($0.prefix { $0 != " " }) }.sorted()
    }
    let before = try state()
    let line = "backup-list --pool \(scene.pool.name) --name\n"
    let result = try Program.run(
      scene.libvirt, ["-q"], input: Array(String(repeating: line, count: 1000).utf8))
    #expect(result.stdout.split(separator: "\n").count { $0 == "first" } == 1000)
    #expect(try state() == before)
    try scene.setSpeed(0)
    try client.wait().expectSuccess()
    #expect(try scene.differences("p", references) == [])
    try scene.expectNoStrays()
  }
}
