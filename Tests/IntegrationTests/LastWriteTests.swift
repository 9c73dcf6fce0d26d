// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What QEMU writes last, when an image is closed, and cannot write.
@Suite(.enabled(if: FaultyStorage.isPossible))
struct LastWriteTests {
  /// Who ends the operation.
  enum Ender: CaseIterable {
    case client, nextCommand
  }

  /// Waits until the jobs of a domain have copied all.
  private func awaitCopied(_ libvirt: PrivateLibvirt, _ domain: String) throws {
    try eventually("all is copied", within: .seconds(60)) {
      let jobs = try libvirt.monitor(domain, "query-jobs") as? [[String: Any]] ?? []
      let states = jobs.compactMap { $0["status"] as? String }
      return !jobs.isEmpty && states.allSatisfy { ["pending", "concluded"].contains($0) }
    }
  }

  /// Takes all room in a directory, and that of the empty pages of an image, which it gave up: the
  /// tables are empty on disk while QEMU has them in memory.
  private func fill(_ directory: String, besides image: String) throws {
    try Command.run("fallocate", ["--dig-holes", image]).expectSuccess()
    _ = try Command.run("dd", ["if=/dev/zero", "of=\(directory)/other", "bs=4k"])
  }

  private func drain(_ directory: String) { unlink("\(directory)/other") }

  /// Starts a create and brings it to where all is copied, and nothing of it ended.
  private func create(
    _ point: String, _ scene: Scene, by ender: Ender, _ more: [String] = []
  ) throws -> RunningCommand {
    let arguments = scene.arguments(
      "backup-create", (more.isEmpty ? ["--backupname", point] : []) + more)
    let client: RunningCommand
    switch ender {
    case .nextCommand:
      try Program.run(scene.libvirt, arguments + ["--async"]).expectSuccess()
      client = try scene.start("backup-jobinfo")
      try client.wait().expectSuccess()
      return client
    case .client:
      client = try Program.start(scene.libvirt, arguments + ["--bandwidth", "2"])
      try eventually("it copies", within: .seconds(60)) {
        try scene.domain.jobs().contains { $0.contains("running") }
      }
      client.signal(SIGSTOP)
      try scene.setSpeed(0)
    }
    return client
  }

  @Test(arguments: Ender.allCases)
  func `a backup whose tables find no room in the pool is reported and not listed`(
    ender: Ender
  ) throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)], limit: 48 << 20)
    defer { scene.remove() }
    var references: [String: [String: ReferenceImage]] = [:]
    for (point, pattern) in [("p0", 0x11), ("p1", 0x22)] {
      try scene.domain.write("vda", "write -P \(pattern) \(pattern)M 8M")
      references[point] = try scene.domain.save()
      guard point == "p1" else {
        try scene.run("backup-create", "--backupname", point).expectSuccess()
        continue
      }
      let result: CommandResult
      if ender == .client {
        let client = try create(point, scene, by: ender)
        try awaitCopied(scene.libvirt, scene.domain.name)
        try fill(scene.pool.directory, besides: scene.image("p1", "vda"))
        client.signal(SIGCONT)
        result = try client.wait()
        #expect(result.status == 1 && result.stderr.contains("'vda'"), "\(result)")
      } else {
        try scene.run("backup-create", "--backupname", point, "--async").expectSuccess()
        try awaitCopied(scene.libvirt, scene.domain.name)
        try fill(scene.pool.directory, besides: scene.image("p1", "vda"))
        result = try scene.run("backup-jobinfo").expectSuccess()
      }
      #expect(
        (result.stdout + result.stderr).contains(
          "No space left on device (pool '\(scene.pool.name)' is full)"), "\(result)")
      drain(scene.pool.directory)
    }
    #expect(try scene.points() == ["p0"])
    try scene.expectNoStrays()
    #expect(try scene.differences("p0", references["p0"] ?? [:]) == [])
    try scene.run("backup-create", "--backupname", "p2").expectSuccess()
    #expect(try scene.differences("p2", references["p1"] ?? [:]) == [])
  }

  @Test func `a backup whose tables the disk refuses is reported and never listed`() throws {
    let libvirt = try PrivateLibvirt.shared(.system)
    let storage = try FaultyStorage(libvirt, limit: 64 << 20)
    defer { storage.remove() }
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 64 << 20)], directory: storage.directory)
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x11 0 8M")
    let references = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "p0").expectSuccess()
    try Command.run("sync", ["-f", storage.directory]).expectSuccess()
    try scene.domain.write("vda", "write -P 0x22 40M 8M")
    let client = try create("p1", scene, by: .client)
    try awaitCopied(libvirt, scene.domain.name)
    try storage.fill()
    client.signal(SIGCONT)
    let result = try client.wait()
    #expect(result.status == 1 && result.stderr.contains("Input/output error"), "\(result)")
    #expect(try !scene.points().contains("p1"))
    storage.drain()
    try scene.libvirt.virsh("pool-destroy", scene.pool.name)
    try scene.domain.destroy()
    try storage.restart()
    try scene.libvirt.virsh("pool-start", scene.pool.name)
    #expect(try scene.points() == ["p0"])
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p0"])
    #expect(try scene.differences("p0", references) == [])
  }

  @Test func `copies whose tables find no room are reported and deleted`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let document = try DocumentScene(libvirt, disks: [TestDisk("vda", size: 64 << 20)])
    defer { document.remove() }
    let small = try Pool(libvirt, limit: 16 << 20)
    defer { small.remove() }
    try document.scene.domain.write("vda", "write -P 0x11 0 8M")
    let path = try document.document(
      """
      <domainbackup><disks><disk name='vda' type='file'><target file='\(small.path("a"))'/></disk>
      </disks></domainbackup>
      """)
    try document.scene.run("backup-create", path, "--async").expectSuccess()
    try awaitCopied(libvirt, document.scene.domain.name)
    try fill(small.directory, besides: small.path("a"))
    let result = try document.scene.run("backup-jobinfo").expectSuccess()
    #expect(
      result.stdout.contains("No space left on device ('\(small.directory)' is full)"), "\(result)")
    drain(small.directory)
    #expect(try small.files() == [])
    try document.scene.expectNoStrays()
  }

  @Test func `a merge whose tables find no room is reported, and every point is what it was`()
    throws
  {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)], limit: 48 << 20)
    defer { scene.remove() }
    var references: [String: [String: ReferenceImage]] = [:]
    for (number, place) in [0, 2, 40].enumerated() {
      try scene.domain.write("vda", "write -P \(number + 1) \(place)M 4M")
      references["p\(number)"] = try scene.domain.save()
      try scene.run("backup-create", "--backupname", "p\(number)").expectSuccess()
    }
    try scene.run("backup-delete", "p1", "--async").expectSuccess()
    let helper = try #require(
      scene.libvirt.domainNames().first { name in
        name.hasPrefix("virsh-backup-")
          && (try? scene.libvirt.virsh("dumpxml", name))?.contains(scene.pool.directory) == true
      })
    try awaitCopied(scene.libvirt, helper)
    try fill(scene.pool.directory, besides: scene.image("p2", "vda"))
    let result = try scene.run("backup-jobinfo")
    #expect((result.stdout + result.stderr).contains("No space left on device"), "\(result)")
    drain(scene.pool.directory)
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p0", "p1", "p2"])
    try scene.expectNoStrays()
    for (point, reference) in references {
      #expect(try scene.differences(point, reference) == [], "\(point)")
    }
    try scene.run("backup-delete", "p1").expectSuccess()
    #expect(try scene.differences("p2", references["p2"] ?? [:]) == [])
  }

  @Test func `a live restore whose tables find no room has not ended, and goes on`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let scene = try LiveScene(libvirt, disks: [TestDisk("vda", size: 64 << 20)])
    defer { scene.remove() }
    let small = try Pool(libvirt, limit: 16 << 20)
    defer { small.remove() }
    let copy = "\(scene.domain.name)-copy"
    defer { libvirt.discard(copy) }
    try scene.domain.write("vda", "write -P 0x11 0 8M")
    let reference = try scene.domain.model("vda")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    func restore(_ more: String...) throws -> RunningCommand {
      try Program.start(
        libvirt,
        scene.arguments(
          "backup-restore",
          ["p", "--newname", copy, "--live", "--paused", "--target-pool", small.directory] + more))
    }
    let client = try restore("--bandwidth", "1")
    try scene.awaitPull(in: copy)
    client.signal(SIGSTOP)
    try libvirt.virsh("blockjob", copy, "vda", "--bandwidth", "0")
    try eventually("all is pulled", within: .seconds(60)) {
      try !libvirt.virsh("dumpxml", copy).contains(scene.pool.directory)
    }
    let image = small.path("\(copy)-vda.qcow2")
    try fill(small.directory, besides: image)
    client.signal(SIGCONT)
    try scene.expectRefusal(client.wait(), "No space left on device ('\(small.directory)' is full)")
    #expect(try scene.jobs().count == 1)
    drain(small.directory)
    try restore().wait().expectSuccess()
    if let pid = libvirt.qemuPID(domain: copy) { kill(pid, SIGKILL) }
    #expect(try reference.difference(from: image, format: .qcow2) == nil)
  }

  @Test func `a restore that the disk refuses is reported and leaves nothing`() throws {
    let libvirt = try PrivateLibvirt.shared(.system)
    let storage = try FaultyStorage(libvirt, limit: 24 << 20)
    defer { storage.remove() }
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 64 << 20), TestDisk("vdb", .raw, size: 64 << 20)])
    defer { scene.remove() }
    for disk in ["vda", "vdb"] { try scene.domain.write(disk, "write -P 0x11 0 4M") }
    let references = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let (client, _) = try scene.startRestoreSlowly("p", to: storage.directory)
    try storage.fill()
    let result = try client.wait()
    // Which of the two the loop device makes of it depends on the request.
    #expect(
      result.status == 1 && result.stderr.contains("copying disk 'vd")
        && ["Input/output error", "No space left on device"].contains {
          result.stderr.contains($0)
        }, "\(result)")
    storage.drain()
    try storage.restart()
    try scene.run("backup-jobinfo").expectSuccess()
    let left = try FileManager.default.contentsOfDirectory(atPath: storage.directory)
    #expect(left.filter { $0 != "lost+found" } == [])
    #expect(try scene.differences("p", references) == [])
  }
}
