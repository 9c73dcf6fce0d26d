// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What is refused or fails: one text, exit status 1, and nothing is left in the pool or in QEMU.
struct RefusalTests {
  @Test(arguments: LibvirtMode.available)
  func `what does not exist or makes no sense is refused`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    let domain = scene.domain.name
    let pool = scene.pool.name
    func expect(_ text: String, _ arguments: String...) throws {
      let result = try Program.run(libvirt, arguments)
      #expect(result.status == 1 && result.stdout.allSatisfy(\.isNewline), "\(result)")
      #expect(result.stderr.contains("error: ") && result.stderr.contains(text), "\(result)")
    }
    let create = ["backup-create", domain, "--pool", pool]
    func expectCreate(_ text: String, _ more: String...) throws {
      let result = try Program.run(libvirt, create + more)
      #expect(result.status == 1 && result.stderr.contains(text), "\(result)")
    }
    try expect("failed to get domain 'nobody'", "backup-create", "nobody", "--pool", pool)
    try expect("Storage pool not found", "backup-create", domain, "--pool", "nowhere")
    try expect("Storage pool not found", "backup-list", "--pool", "nowhere")
    try expectCreate("no disk named 'vdz'", "--diskspec", "vdz")
    try expectCreate("specified twice", "--diskspec", "vda", "--diskspec", "vda")
    try expectCreate("invalid backup name", "--backupname", "../x")
    try expectCreate("invalid backup name", "--backupname", ".x")
    try expectCreate("incrementally", "--incremental")
    try expectCreate("no domain backup with matching name 'p'", "--parent", "p")
    try expect("nobody", "backup-restore", "nobody", "--pool", pool)
    #expect(try scene.pool.files() == [])
    #expect(try scene.domain.ourBitmaps() == [])
    try scene.expectNoStrays()

    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let files = try scene.pool.files()
    try expectCreate("domain backup p already exists", "--backupname", "p")
    try expect("matching name 'q'", "backup-restore", domain, "q", "--pool", pool)
    try expect("matching name 'q'", "backup-info", domain, "q", "--pool", pool)
    try expect("matching name 'q'", "backup-delete", domain, "q", "--pool", pool)
    try expect("exists", "backup-restore", domain, "p", "--pool", pool)
    #expect(try scene.pool.files() == files)
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a read-only connection reads and changes nothing`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let files = try scene.pool.files()
    func run(_ arguments: String...) throws -> CommandResult {
      try Program.run(libvirt, ["-r"] + arguments + ["--pool", scene.pool.name])
    }
    let name = scene.domain.name
    #expect(try run("backup-list", "--name").expectSuccess().stdout.contains("p"))
    #expect(try run("backup-info", name, "p").expectSuccess().stdout.contains("Name:"))
    for refused in [
      try run("backup-create", name), try run("backup-restore", name, "p", "--newname", "copy"),
      try run("backup-delete", name, "p"), try run("backup-forget", name),
    ] {
      #expect(refused.status == 1 && refused.stderr.contains("error: "), "\(refused)")
    }
    #expect(try scene.pool.files() == files)
    try scene.expectNoStrays()
  }

  @Test(.enabled(if: LibvirtMode.available.contains(.system)), arguments: LibvirtMode.available)
  func `a pool that becomes full ends the backup, not the guest`(mode: LibvirtMode) throws {
    let scene = try Scene(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda"), TestDisk("vdb", .raw)], counting: true, limit: 64 << 20)
    defer { scene.remove() }
    let guest = try #require(scene.domain.guest)
    try guest.awaitWrites(60)
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    // There is room when the backup begins, by what QEMU says of the disks, and none when it is
    // half done: the guest writes on.
    let blocker = scene.pool.path("other")
    try guest.awaitWrites(100)
    let client = try scene.start("backup-create", "--backupname", "q")
    try eventually("q is written down", every: .milliseconds(2)) {
      try scene.pool.files().contains { $0.hasSuffix(".q.partial.xml") }
    }
    _ = try Command.run("dd", ["if=/dev/zero", "of=\(blocker)", "bs=4k"])
    let full = try client.wait()
    #expect(full.status == 1 && full.stderr.contains("error: "), "\(full)")
    try guest.awaitWrites(100)
    #expect(guest.report().failed == 0)
    #expect(try scene.domain.state() == "running")
    try? FileManager.default.removeItem(atPath: blocker)
    try scene.run("backup-jobinfo").expectSuccess()
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a broken document is shown as incomplete and harms nothing`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    for point in ["p", "q"] {
      try scene.run("backup-create", "--backupname", point).expectSuccess()
    }
    let manifest = scene.pool.path("\(scene.domain.name).q.backup.xml")
    let whole = try String(contentsOfFile: manifest, encoding: .utf8)
    let volume = "\(scene.domain.name).q.vda.qcow2"
    let broken = [
      String(whole.prefix(whole.count / 2)), "",
      whole.replacing("<backup version='1'", with: "<backup version='2'"),
      whole.replacing(volume, with: "../\(volume)"),
      whole.replacing(volume, with: "/etc/passwd"),
    ]
    for text in broken {
      #expect(text != whole)
      try text.write(toFile: manifest, atomically: false, encoding: .utf8)
      let list = try scene.libvirt.list(scene)
      #expect(list.stdout.contains("p") && !list.stdout.contains("q"), "\(list)")
      #expect(list.stderr.contains("1 unfinished or broken backup(s) not shown"), "\(list)")
      let all = try scene.libvirt.list(scene, "--all", "--details")
      let state = text.contains("version='2'") ? "of a newer version" : "incomplete"
      #expect(all.stdout.contains(state), "\(all)")
      let restore = try scene.run("backup-restore", "q", "--newname", "copy")
      #expect(restore.status == 1, "\(restore)")
    }
    try whole.write(toFile: manifest, atomically: false, encoding: .utf8)
    #expect(try scene.points() == ["p", "q"])

    // What a point stands on is gone.
    try FileManager.default.removeItem(atPath: scene.image("p", "vda"))
    #expect(try scene.points() == [])
    #expect(try scene.libvirt.list(scene, "--all", "--details").stdout.contains("missing volume"))
    let restore = try scene.run("backup-restore", "q", "--newname", "copy")
    #expect(restore.status == 1 && restore.stderr.contains("error: "), "\(restore)")
    #expect(try scene.run("backup-create", "--incremental").status == 1)
    let next = try scene.run("backup-create", "--backupname", "r").expectSuccess()
    #expect(next.stderr.contains("volume") || next.stdout.contains("volume"), "\(next)")
    #expect(try scene.points() == ["r"])
  }

  @Test(arguments: LibvirtMode.available)
  func `an offending definition in a pool others write to is refused`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let manifest = scene.pool.path("\(scene.domain.name).p.backup.xml")
    let whole = try String(contentsOfFile: manifest, encoding: .utf8)
    let offending = whole.replacing("/usr/bin/qemu-system-x86_64", with: "/tmp/evil")
    #expect(offending != whole)
    try offending.write(toFile: manifest, atomically: false, encoding: .utf8)
    chmod(scene.pool.directory, 0o777)
    try scene.pool.refresh()
    let directory = try libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let inPlace = try scene.run("backup-restore", "p", "--newname", "copy")
    #expect(inPlace.status == 1 && inPlace.stderr.contains("--target-pool"), "\(inPlace)")
    let refused = try scene.run(
      "backup-restore", "p", "--newname", "copy", "--target-pool", directory)
    #expect(refused.status == 1 && refused.stderr.contains("/tmp/evil"), "\(refused)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    try scene.run(
      "backup-restore", "p", "--no-define", "--target-pool", directory
    ).expectSuccess()
    try scene.expectNoStrays()
  }
}

extension PrivateLibvirt {
  /// What `backup-list` says about a scene's pool.
  fileprivate func list(_ scene: Scene, _ more: String...) throws -> CommandResult {
    try Program.run(self, ["backup-list", "--pool", scene.pool.name] + more).expectSuccess()
  }
}
