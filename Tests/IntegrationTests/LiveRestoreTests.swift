// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A domain that runs on its backup while its data is restored.
struct LiveRestoreTests {
  @Test(arguments: LibvirtMode.available)
  func `a domain of any size runs at once on its backup, and stands on nothing in the end`(
    mode: LibvirtMode
  ) throws {
    let scene = try LiveScene(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", size: 4 << 30)])
    defer { scene.remove() }
    let domain = scene.domain
    try domain.write("vda", "write -P 0x11 0 48M")
    try domain.write("vdb", "write -P 0x12 4000M 16M")
    try scene.run("backup-create", "--backupname", "f").expectSuccess()
    try domain.write("vda", "write -P 0x13 3M 5M")
    try scene.run("backup-create", "--backupname", "i").expectSuccess()
    let before = try scene.poolState()
    let definition = try domain.inactiveDefinition()
    try domain.vanish()

    let begin = ContinuousClock.now
    let client = try scene.start(
      "backup-restore", "--live", "--paused", "--bandwidth", "2", "--verbose")
    try eventually("the domain runs", within: .seconds(60)) {
      (try? domain.state()) == "paused"
    }
    #expect(.now - begin < .seconds(10))
    try scene.awaitPull()
    // What the guest writes counts, wherever the data is.
    try domain.write("vda", "write -P 0x21 47000k 20k")
    try domain.write("vda", "write -z 4M 1M")
    try domain.write("vdb", "write -P 0x22 100k 3k")
    try domain.write("vdb", "write -z -u 4010M 1M")

    let jobs = try scene.jobs()
    #expect(jobs.map { $0["operation"] as? String } == ["live"])
    #expect(jobs.map { $0["state"] as? String } == ["running"])
    let disks = jobs.first?["disks"] as? [[String: Any]] ?? []
    #expect(disks.compactMap { $0["name"] as? String } == ["vda", "vdb"])
    #expect(disks.compactMap { $0["bytes_total"] as? Int } == [256 << 20, 4 << 30])
    for point in ["f", "i"] {
      try scene.expectRefusal(
        scene.run("backup-delete", point),
        "domain '\(domain.name)', which is being restored from backup 'i', still stands on it")
    }
    for command in ["backup-create", "backup-forget", "backup-start-nbd"] {
      try scene.expectRefusal(
        scene.run(command), "domain '\(domain.name)' is being restored from backup 'i'")
    }
    try scene.expectRefusal(
      scene.run("backup-restore", "f", "--live"), "is being restored from backup 'i'")
    try scene.run("backup-setspeed", "0").expectSuccess()

    let result = try client.wait().expectSuccess()
    #expect(result.stderr.contains("Domain '\(domain.name)' runs on backup i while"))
    #expect(result.stdout.contains("Domain '\(domain.name)' restored from backup i"))
    #expect(try domain.inactiveDefinition() == definition)
    try scene.expectFree(before)
    try scene.expectRefusal(scene.run("backup-setspeed", "1"), "no job is active on the domain")
    // Nobody needs the backups any more.
    try scene.run("backup-delete", "f", "--children").expectSuccess()
    try domain.write("vda", "write -P 0x23 8M 1M")
    try domain.destroy()
    try expect(domain.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `whatever is killed while the data moves, the same command goes on`(
    mode: LibvirtMode
  ) throws {
    // A daemon of its own: it is killed.
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try LiveScene(
      libvirt, disks: [TestDisk("vda", size: 96 << 20), TestDisk("vdb", size: 96 << 20)])
    let domain = scene.domain
    try domain.write("vda", "write -P 0x11 0 64M")
    try domain.write("vdb", "write -P 0x12 32M 64M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let before = try scene.poolState()
    try domain.vanish()
    var number = 0
    func write() throws {
      number += 1
      for disk in ["vda", "vdb"] {
        try domain.write(disk, "write -P \(0x20 + number) \(number * 9000 + 3)k 70k")
        try scene.flush(disk)
      }
    }
    func restore(_ more: String...) throws -> RunningCommand {
      try Program.start(
        libvirt, scene.arguments("backup-restore", ["p", "--live", "--paused"] + more))
    }

    var client = try restore("--bandwidth", "1")
    try scene.awaitPull()
    try write()
    client.signal(SIGKILL)
    try client.wait()
    #expect(try scene.state() == "running")
    try scene.awaitPull()

    client = try restore("--bandwidth", "1")
    try scene.awaitPull()
    try write()
    try domain.killQEMU()
    try scene.expectRefusal(client.wait(), "domain '\(domain.name)' is shut off and still stands")
    #expect(try scene.state() == "shut off")
    try scene.expectRefusal(scene.run("backup-delete", "p"), "still stands on it")

    client = try restore("--bandwidth", "1")
    try scene.awaitPull()
    try write()
    try libvirt.kill()
    #expect(try client.wait().status == 1)
    try libvirt.start()
    #expect(try scene.state() == "running")
    try scene.awaitPull()
    try write()

    client = try restore("--bandwidth", "1")
    try eventually("it waits", within: .seconds(60)) { client.errorsSoFar.contains("runs on") }
    client.signal(SIGINT)
    try scene.expectRefusal(client.wait(), "interrupted: domain '\(domain.name)' still stands on")
    #expect(try domain.jobs() == [])
    #expect(try scene.state() == "stopped")
    try scene.expectRefusal(scene.run("backup-jobabort"), "no job is active")

    // Stopped or not, a client that only starts it may go.
    let started = try restore("--async", "--bandwidth", "1").wait().expectSuccess().stdout
    #expect(started.contains("Domain '\(domain.name)' started from backup p"))
    try scene.awaitPull()
    let aborted = try scene.run("backup-jobabort").expectSuccess().stdout
    #expect(aborted.contains("cancelled: domain '\(domain.name)' still stands on backup 'p'"))
    #expect(try scene.state() == "stopped")
    try write()
    try restore("--async").wait().expectSuccess()
    try eventually("it is complete", within: .seconds(60)) { try scene.jobs().isEmpty }
    try scene.expectFree(before)
    try domain.destroy()
    try expect(domain.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a copy's guest writes while its data is restored, and loses nothing`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try LiveScene(
      libvirt, disks: [TestDisk("vda", size: 32 << 20), TestDisk("vdb", size: 32 << 20)],
      counting: true)
    defer { scene.remove() }
    let guest = try #require(scene.domain.guest)
    for disk in ["vda", "vdb"] { try scene.domain.write(disk, "write -P 1 1M 30M") }
    try guest.awaitWrites(100)
    try scene.domain.destroy()
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let copy = "\(scene.domain.name)-copy"
    defer { libvirt.discard(copy) }
    let before = try scene.poolState()

    let client = try scene.start(
      "backup-restore", "p", "--newname", copy, "--live", "--bandwidth", "1")
    try scene.awaitPull(in: copy)
    try guest.awaitWrites(100)
    try scene.expectRefusal(
      Program.run(libvirt, ["backup-create", copy, "--pool", scene.pool.name]),
      "domain '\(copy)' is being restored from backup 'p'")
    try scene.expectRefusal(scene.run("backup-delete", "p"), "domain '\(copy)', which is being")
    try Program.run(libvirt, ["backup-setspeed", copy, "64", "--pool", scene.pool.name])
      .expectSuccess()
    try client.wait().expectSuccess()
    try guest.awaitWrites(100)
    try scene.expectFree(before, copy)
    try libvirt.virsh("destroy", copy)
    // Each number is written twice on both disks.
    let report = guest.report()
    #expect(report.failed == 0)
    let counted = UInt32(report.good / 4)
    for disk in ["vda", "vdb"] {
      let image = "\(scene.domain.directory)/\(copy)-\(disk).qcow2"
      let counter = try CounterGuest.counter(in: image, .qcow2)
      #expect((counted...counted + 2).contains(counter), "\(disk): \(counter), \(report)")
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `what is restored outlives its QEMU, and what is not yet is restored again`(
    mode: LibvirtMode
  ) throws {
    let scene = try LiveScene(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 96 << 20)])
    defer { scene.remove() }
    let domain = scene.domain
    try domain.write("vda", "write -P 0x11 0 64M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try domain.vanish()

    // All is pulled, and nobody has seen to it that it is on disk.
    let client = try scene.start(
      "backup-restore", "p", "--live", "--paused", "--bandwidth", "1")
    try scene.awaitPull()
    client.signal(SIGSTOP)
    try domain.libvirt.virsh("blockjob", domain.name, "vda", "--bandwidth", "0")
    try eventually("all is pulled", within: .seconds(60)) {
      try !domain.libvirt.virsh("dumpxml", domain.name).contains(scene.pool.directory)
    }
    try domain.killQEMU()
    client.signal(SIGCONT)
    try scene.expectRefusal(client.wait(), "domain '\(domain.name)' is shut off and still stands")

    try scene.run("backup-restore", "p", "--live", "--paused").expectSuccess()
    try domain.killQEMU()
    #expect(try !domain.inactiveDefinition().contains(scene.pool.directory))
    try expect(domain.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `what cannot run on a backup is refused, and what does not start is undone`(
    mode: LibvirtMode
  ) throws {
    let scene = try LiveScene(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", .raw, size: 8 << 20)])
    defer { scene.remove() }
    let domain = scene.domain
    try domain.write("vdb", "write -P 0x12 0 1M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let before = try scene.poolState()
    try scene.expectRefusal(
      scene.run("backup-restore", "--live", "--format", "qcow2"), "exist")
    try domain.vanish()
    try scene.expectRefusal(
      scene.run("backup-restore", "--live"), "--live needs qcow2, and disk 'vdb' would be raw")
    try scene.expectRefusal(
      scene.run("backup-restore", "--live", "--no-define"), "mutually exclusive")
    try scene.expectRefusal(
      scene.run("backup-restore", "--live", "--diskspec", "vda,file=/dev/null,stype=block"),
      "disk 'vda' would be on a device")
    let taken = try domain.path("vdb")
    try Data().write(to: URL(filePath: taken))
    try scene.expectRefusal(
      scene.run("backup-restore", "--live", "--format", "qcow2"), "file '\(taken)' exists")
    try FileManager.default.removeItem(atPath: taken)

    // QEMU cannot read them: nothing is left.
    if mode == .system {
      #expect(chmod(scene.pool.directory, 0o700) == 0)
      try scene.expectRefusal(
        scene.run("backup-restore", "--live", "--format", "qcow2"), "ermission denied")
      #expect(chmod(scene.pool.directory, 0o755) == 0)
      #expect(try !scene.libvirt.domainNames().contains(domain.name))
      #expect(!FileManager.default.fileExists(atPath: try domain.path("vda")))
      #expect(try scene.poolState() == before)
    }
    try scene.run(
      "backup-restore", "--live", "--paused", "--diskspec", "vda", "--diskspec",
      "vdb,driver=qcow2"
    ).expectSuccess()
    try scene.expectFree(before)
    try domain.destroy()
    #expect(try domain.model("vda").difference(from: domain.path("vda"), format: .qcow2) == nil)
    #expect(try domain.model("vdb").difference(from: domain.path("vdb"), format: .qcow2) == nil)
  }
}
