// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Operations that can be neither finished nor undone: they stand in the way of nothing else, and
/// `backup-jobabort` ends them.
struct UnsettledTests {
  /// Files in the pool that are of an operation under way.
  private func pending(_ pool: Pool) throws -> [String] {
    try pool.files().filter { $0.contains("partial") }
  }

  @Test func `a merge that cannot succeed stops nothing else, and can be ended`() throws {
    let history = try History(PrivateLibvirt.shared(.session))
    defer { history.remove() }
    for (number, point) in ["a", "b", "c"].enumerated() {
      try history.domain.write("vda", "write -P \(number + 1) \(number)M 1M")
      try history.backUp(point)
    }
    try history.run("backup-delete", "b", "--async").expectSuccess()
    let helper = try #require(try history.helpers().first, "no helper domain")
    kill(try #require(history.libvirt.qemuPID(domain: helper)), SIGKILL)
    try eventually("the helper has ended") { try history.helpers() == [] }
    let child = try #require(try history.pool.files().first { $0.hasSuffix(".c.vda.qcow2") })
    let aside = "\(history.domain.directory)/aside"
    try FileManager.default.moveItem(atPath: history.pool.path(child), toPath: aside)

    let info = try history.run("backup-jobinfo").expectSuccess()
    #expect(info.stdout.contains("failed"), "\(info)")
    let notices = info.stdout.split(separator: "\n").filter { $0.contains("backup-jobabort ends") }
    #expect(notices.count == 1 && notices[0].contains("the deletion of backup 'b'"), "\(info)")
    try history.backUp("d", "--full")
    #expect(try history.differences(of: ["a", "d"]) == [])
    try history.run("backup-delete", "d").expectSuccess()
    try history.run("backup-jobabort").expectSuccess()
    #expect(try pending(history.pool) == [])

    #expect(try history.listed().contains("b"))
    #expect(try history.differences(of: ["a", "b"]) == [])
  }

  @Test func `a restore whose directory is gone stops nothing`() throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)])
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let directory = try scene.libvirt.makeDirectory("restored")
    let (client, helper) = try scene.startRestoreSlowly("p", to: directory)
    kill(client.pid, SIGKILL)
    _ = try client.wait()
    try eventually("the helper has ended") { try !scene.libvirt.domainNames().contains(helper) }
    try FileManager.default.removeItem(atPath: directory)

    let created = try scene.run("backup-create", "--backupname", "q").expectSuccess()
    #expect(created.stdout.contains("its directory is gone"), "\(created)")
    #expect(try scene.points() == ["p", "q"])
    try scene.expectNoStrays()
  }

  @Test func `a fleecing directory that is gone stops nothing`() throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)])
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    let directory = try scene.libvirt.makeDirectory("fleecing")
    let client = try scene.startSlowly("p", "--fleecing", directory)
    kill(client.pid, SIGKILL)
    _ = try client.wait()
    try scene.domain.killQEMU()
    // The pool that served it ends with the daemon.
    let libvirt = scene.libvirt
    for pool in try libvirt.virsh("pool-list", "--name").split(separator: "\n").map(String.init)
    where (try? libvirt.virsh("pool-dumpxml", pool))?.contains("\(directory)</path>") == true {
      try libvirt.virsh("pool-destroy", pool)
    }
    try FileManager.default.removeItem(atPath: directory)
    try scene.domain.start()

    try scene.run("backup-create", "--backupname", "q").expectSuccess()
    #expect(try scene.points() == ["q"])
    try scene.expectNoStrays()
  }

  @Test func `a file that is missing when a restore is to end undoes it`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let before = try scene.domain.inactiveDefinition()
    try scene.startAsync("p")
    let part = try #require(try scene.files().first { $0.contains("part") })
    try FileManager.default.removeItem(atPath: scene.path(part))
    let result = try scene.history.run("backup-jobinfo").expectSuccess()
    #expect(result.stdout.contains("is gone") && result.stdout.contains("None"), "\(result)")
    #expect(try scene.domain.inactiveDefinition() == before)
    try scene.expectNoStrays()
    try scene.expectToStart()
  }

  @Test func `a definition that is refused at the end is told once, and the data stays`() throws {
    for isOverwriting in [false, true] {
      let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
      defer { scene.history.remove() }
      let domain = scene.domain, libvirt = scene.history.libvirt
      // An emulator that goes while the data moves.
      let emulator = scene.path("emulator")
      try "#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n"
        .write(toFile: emulator, atomically: false, encoding: .utf8)
      try Command.run("chmod", ["755", emulator]).expectSuccess()
      try domain.redefine(replacing: [("/usr/bin/qemu-system-x86_64", emulator)])
      try scene.history.run("backup-create", "--backupname", "e").expectSuccess()
      if isOverwriting {
        try domain.redefine(replacing: [(emulator, "/usr/bin/qemu-system-x86_64")])
        try scene.startAsync("e")
      } else {
        try domain.vanish()
        try scene.startAsync("e", isOverwriting: false)
      }
      try FileManager.default.removeItem(atPath: emulator)

      let result = try scene.history.run("backup-jobinfo").expectSuccess()
      #expect(result.stdout.contains("is given up: "), "\(result)")
      #expect(result.stdout.contains("what was restored is in "), "\(result)")
      try scene.expectNoStrays()
      let files = try scene.files()
      #expect(files.count == (isOverwriting ? 4 : 2), "\(files)")
      if isOverwriting {
        try scene.expectToStart()
      } else {
        #expect(try !libvirt.domainNames().contains(domain.name))
      }
      let again = try scene.history.run("backup-jobinfo").expectSuccess()
      #expect(!again.stdout.contains("given up"), "\(again)")
    }
  }

  @Test func `what cannot be undone is told, and ended all the same`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    try #require(getuid() == 0)
    try scene.startAsync("p")
    // The images' directory is not ours any more.
    let directory = scene.domain.directory
    try Command.run("chown", ["0:0", directory]).expectSuccess()
    let info = try scene.history.run("backup-jobinfo").expectSuccess()
    #expect(info.stdout.contains("can be ended only on its host"), "\(info)")
    let aborted = try scene.history.run("backup-jobabort").expectSuccess()
    #expect(aborted.stdout.contains("is left where it is"), "\(aborted)")
    try scene.expectNoStrays()
    try scene.libvirt.giveToDaemon(directory)
    try scene.expectToStart()
    try scene.history.run("backup-create").expectSuccess()
  }
}
