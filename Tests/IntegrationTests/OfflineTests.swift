// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Backups of a domain that is shut off, and of one that is so now and then.
struct OfflineTests {
  private static func change(_ history: History, _ number: Int) throws {
    for target in ["vda", "vdb"] {
      try history.domain.write(target, "write -P \(number + 1) \(number)M 200k")
      try history.domain.write(target, "write -z -u \(number * 64 + 512)k 64k")
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `a chain goes on while the domain is switched off and on`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    let domain = history.domain
    try Self.change(history, 1)
    try domain.destroy()
    #expect(try history.backUp("off1").reasons == ["vda first", "vdb first"])
    #expect(try history.backUp("off2").disk("vda")?.parent == "off1")
    try domain.start(paused: true)
    try Self.change(history, 2)
    // A raw image has no place for a bitmap.
    let on = try history.backUp("on1")
    #expect(on.disk("vda")?.parent == "off2" && on.reasons == ["vdb bitmap_lost"])
    try Self.change(history, 3)
    #expect(try history.backUp("on2").type == "incremental")
    try Self.change(history, 4)
    try domain.destroy()
    #expect(try history.backUp("off3").disk("vda")?.parent == "on2")
    #expect(
      try history.backUp("off4", "--parent", "off3", "--diskspec", "vda").type == "differential")
    try domain.start(paused: true)
    try Self.change(history, 5)
    #expect(try history.backUp("on3", "--incremental", "--diskspec", "vda").parent != nil)
    #expect(try domain.leftovers() == [])
    try expect(history.differences(), [])
    try expect(history.storedDifferences(), [])
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `the domain cannot be started meanwhile, and can after backup-jobabort`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt, disks: [TestDisk("vda")], start: .paused)
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x31 0 60M")
    let reference = try scene.domain.model("vda").save()
    try scene.domain.destroy()
    try scene.run(
      "backup-create", "--backupname", "p", "--async", "--bandwidth", "1"
    ).expectSuccess()
    #expect(throws: CommandError.self) { try scene.domain.start() }
    let second = try scene.run("backup-create", "--backupname", "q")
    #expect(second.status == 1 && second.stderr.contains("backup 'p' of the domain"))
    #expect(try scene.run("backup-jobinfo").stdout.contains("running"))
    try scene.run("backup-jobabort").expectSuccess()
    try scene.domain.start(paused: true)
    try scene.expectNoStrays()
    #expect(try scene.points() == [])
    try scene.domain.destroy()

    try scene.run("backup-create", "--backupname", "r", "--async").expectSuccess()
    try eventually("r is published") {
      try scene.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    #expect(try scene.points() == ["r"])
    #expect(try scene.differences("r", ["vda": reference]) == [])
    try scene.expectNoStrays()
  }

  @Test func `an operation whose helper ends while it is settled is settled without it`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let scene = try Scene(libvirt, disks: [TestDisk("vda", size: 8 << 20)], start: .paused)
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x31 0 6M")
    try scene.domain.destroy()
    try scene.run("backup-create", "--backupname", "p", "--async", "--bandwidth", "1")
      .expectSuccess()
    // The other client has found the helper.
    let other = try scene.startStopped("backup-jobinfo", before: "query-jobs")
    defer { other.signal(SIGKILL) }
    let helper = try #require(
      try libvirt.domainNames().first { $0.hasPrefix("virsh-backup-") })
    try libvirt.virsh("destroy", helper)
    let result = try other.finish().expectSuccess()
    #expect(!"\(result.stdout)\(result.stderr)".contains("neither"), "\(result)")
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()
    try scene.run("backup-create", "--backupname", "q").expectSuccess()
  }

  @Test(arguments: LibvirtMode.available)
  func `a helper whose client and libvirtd were killed is ended by the next command`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try Scene(libvirt, disks: [TestDisk("vda")], start: .paused)
    let other = try Scene(libvirt, disks: [TestDisk("vda", size: 1 << 20)], start: .off)
    try scene.domain.write("vda", "write -P 0x31 0 60M")
    try scene.domain.destroy()
    func helpers() throws -> [Substring] {
      try libvirt.virsh("list", "--name").split(separator: "\n")
        .filter { $0.hasPrefix("virsh-backup-") }
    }
    let client = try scene.start("backup-create", "--backupname", "p", "--bandwidth", "1")
    try eventually("a helper has the disks, and copies them") {
      try helpers().count == 1 && scene.pool.files().contains { $0.contains("vda.qcow2") }
    }
    try libvirt.kill()
    client.signal(SIGKILL)
    try client.wait()
    try libvirt.start()
    #expect(try helpers().count == 1, "libvirt has forgotten whose it was")
    // No partial says that it is there.
    for file in try scene.pool.files() where file.contains("partial") {
      try FileManager.default.removeItem(atPath: scene.pool.path(file))
    }
    try other.run("backup-create").expectSuccess()
    #expect(try helpers() == [])
    try scene.domain.start(paused: true)
  }

  @Test func `a create killed while the domain is off is finished or undone`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let history = try History(libvirt, disks: [TestDisk("vda", size: 16 << 20)])
    defer { history.remove() }
    let domain = history.domain
    try domain.write("vda", "write -P 0x55 0 1M")
    try history.backUp("base")
    // Every eleventh call, by which every kind of call has its turn.
    var number = 2, ending = CommandResult.Ending.signalled(SIGKILL)
    while ending == .signalled(SIGKILL) {
      try domain.write("vda", "write -P \(number % 250 + 1) \(number * 100 % 16000)k 70k")
      try domain.destroy()
      let killed = try Program.run(
        libvirt,
        [
          "backup-create", domain.name, "--pool", history.pool.name, "--backupname",
          "killed\(number)",
        ], environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      if number % 2 == 0 {
        try history.run("backup-jobinfo").expectSuccess()
      }
      // libvirtd ends the helper when it notices that its client is gone.
      try eventually("the domain can be started after call \(number)") {
        (try? domain.start(paused: true)) != nil
      }
      let info = try history.backUp("next\(number)", "--incremental")
      #expect(info.type == "incremental", "after call \(number)")
      #expect(try domain.leftovers() == [], "after call \(number)")
      let listed = try history.listed()
      #expect(listed.contains("base"))
      let strays = try history.pool.files().filter { $0.contains("partial") }
      #expect(strays == [], "after call \(number)")
      ending = killed.ending
      number += 11
    }
    #expect(number > 30)
    try expect(history.storedDifferences(), [])
  }
}
