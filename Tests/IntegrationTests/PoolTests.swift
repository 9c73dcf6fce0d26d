// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Which pool backups are in, and whose they are.
struct PoolTests {
  @Test(arguments: LibvirtMode.available)
  func `two pools used in turn do not disturb each other`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    let other = try Pool(time.libvirt)
    defer { other.remove() }
    let incremental = ["vda": "incremental", "vdb": "incremental"]
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.domain.write("vdb", "write -P 0x12 0 4M")
    #expect(try time.point("a1") == ["vda": "first", "vdb": "first"])
    try time.domain.write("vda", "write -P 0x21 0 64k")
    #expect(try time.point("b1", pool: other.name) == ["vda": "first", "vdb": "first"])
    var bitmaps = Set(try time.domain.ourBitmaps())
    #expect(bitmaps.count == 4)
    for round in 2...3 {
      try time.domain.write("vda", "write -P 0x\(round)3 \(round)M 64k")
      try time.domain.write("vdb", "write -P 0x\(round)4 \(round)M 64k")
      #expect(try time.point("a\(round)") == incremental)
      var now = Set(try time.domain.ourBitmaps())
      #expect(bitmaps.symmetricDifference(now).count == 4)
      #expect(bitmaps.intersection(now).count == 2)
      bitmaps = now
      try time.domain.write("vda", "write -z 512k 64k")
      try time.domain.write("vdb", "write -P 0x\(round)6 5M 64k")
      #expect(try time.point("b\(round)", pool: other.name) == incremental)
      now = Set(try time.domain.ourBitmaps())
      #expect(bitmaps.intersection(now).count == 2)
      bitmaps = now
    }
    // Even without any of its points left, the other chain goes on.
    try Program.expectSuccess(
      time.libvirt, "backup-delete", time.domain.name, "a1", "--pool", time.pool.name, "--children")
    for name in ["a1", "a2", "a3"] { time.giveUp(name) }
    #expect(try time.domain.ourBitmaps().count == 2)
    #expect(try time.point("b4", pool: other.name) == incremental)
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a pool is named by its directory, its UUID or the environment`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 4 << 20)])
    defer { time.remove() }
    let directory = try time.libvirt.makeDirectory("plain")
    defer {
      removePool(of: directory, time.libvirt)
      try? FileManager.default.removeItem(atPath: directory)
    }
    try time.domain.write("vda", "write -P 0x11 0 1M")
    #expect(try time.point("d1", pool: directory) == ["vda": "first"])
    try time.domain.write("vda", "write -P 0x21 0 64k")
    #expect(try time.point("d2", pool: "//\(directory)/./") == ["vda": "incremental"])
    // The pool that serves a directory may end at any time.
    removePool(of: directory, time.libvirt)
    #expect(try time.point("d3", pool: directory) == ["vda": "incremental"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory).count == 6,
      "a manifest and a volume for each point")

    let uuid = try time.libvirt.virsh("pool-uuid", time.pool.name)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(try time.point("u1", pool: uuid) == ["vda": "first"])
    // A directory that a pool has is that pool.
    #expect(try time.point("u2", pool: time.pool.directory) == ["vda": "incremental"])
    let created = try Program.run(
      time.libvirt, ["backup-create", time.domain.name, "--backupname", "e1"],
      environment: ["VIRSH_BACKUP_POOL": time.pool.name]
    ).expectSuccess()
    #expect(created.stdout.contains("full") == false)
    let list = try Program.run(
      time.libvirt, ["backup-list", "--name"], environment: ["VIRSH_BACKUP_POOL": uuid]
    ).expectSuccess()
    #expect(list.stdout.split(separator: "\n") == ["u1", "u2", "e1"])
    try time.check()
  }

  @Test(
    arguments: LibvirtMode.available,
    ["/", "//", "/dev", "/etc/x", "/proc", "/sys/", "/usr/local", "/./usr", "/tmp/../etc"])
  func `a directory of the system is no pool`(mode: LibvirtMode, directory: String) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    for command in [["backup-create", "none"], ["backup-list"]] {
      let result = try Program.run(libvirt, command + ["--pool", directory])
      #expect(result.status == 1)
      // The domain is looked for first, where there is one.
      if command.count == 1 {
        #expect(
          result.stderr.contains("error: backups cannot be kept in '\(directory)'"), "\(result)")
      }
    }
    // Other tests make and remove pools meanwhile: only one of that directory would be ours.
    for pool in try libvirt.virsh("pool-list", "--all", "--name").split(
      whereSeparator: \.isWhitespace)
    {
      let definition = (try? libvirt.virsh("pool-dumpxml", String(pool))) ?? ""
      for path in [directory, "/usr", "/etc"] {
        #expect(!definition.contains("<path>\(path)</path>"))
      }
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `without a pool the commands that make one are shown`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let result = try Program.run(libvirt, ["backup-list"])
    #expect(result.status == 1)
    #expect(
      result.stderr.hasPrefix(
        """
        error: Storage pool not found: no storage pool with matching name 'backups'
        These commands make one (choose the directory):
          pool-define-as backups dir --target /var/lib/libvirt/backups
          pool-build backups
          pool-start backups
          pool-autostart backups

        """), "\(result)")
    let named = try Program.run(libvirt, ["backup-list", "--pool", "no such"])
    #expect(named.stderr.contains("  pool-define-as 'no such' dir"), "\(named)")
    let unset = try Program.run(
      libvirt, ["backup-list"], environment: ["VIRSH_BACKUP_POOL": "other"])
    #expect(unset.stderr.contains("no storage pool with matching name 'other'"), "\(unset)")
  }

  @Test(arguments: LibvirtMode.available)
  func `a domain is its UUID, whatever its name`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 4 << 20)])
    defer { time.remove() }
    let libvirt = time.libvirt, name = time.domain.name
    try time.domain.write("vda", "write -P 0x11 0 1M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 512k 64k")
    let uuid = try libvirt.virsh("domuuid", name).trimmingCharacters(in: .whitespacesAndNewlines)

    try time.domain.destroy()
    let renamed = libvirt.uniqueName("renamed")
    try libvirt.virsh("domrename", name, renamed)
    defer {
      _ = try? libvirt.virsh("destroy", renamed)
      _ = try? libvirt.virsh("undefine", renamed)
    }
    time.renamed = renamed
    try libvirt.virsh("start", renamed, "--paused")
    #expect(try time.point("p2") == ["vda": "incremental"])

    let stranger = try TestDomain(libvirt, disks: [TestDisk("vda", size: 4 << 20)], name: name)
    defer { stranger.remove() }
    try stranger.write("vda", "write -P 0x99 0 2M")
    let pool = time.pool.name
    let none = try Program.run(libvirt, ["backup-info", name, "--pool", pool])
    #expect(none.status == 1)
    #expect(none.stderr.contains("has no backup in pool"), "\(none)")
    let taken = try Program.run(
      libvirt, ["backup-create", name, "--pool", pool, "--backupname", "p1"])
    #expect(taken.status == 1, "its volumes would have the names of those of the renamed one")
    let held = try stranger.save()
    let created = try Program.expectSuccess(
      libvirt, "backup-create", name, "--pool", pool, "--backupname", "q1")
    #expect(created.contains("disk 'vda': full (first backup)"))
    #expect(try time.point("p3") == ["vda": "incremental"])
    #expect(try names(libvirt, pool, of: name) == ["q1"])
    #expect(try names(libvirt, pool, of: renamed) == ["p1", "p2", "p3"])
    #expect(try names(libvirt, pool, of: uuid) == ["p1", "p2", "p3"])
    for (disk, reference) in held {
      let image = time.pool.path("\(name).q1.\(disk).qcow2")
      #expect(try reference.difference(from: image, format: .qcow2) == nil)
    }
    try time.check(recordedAs: uuid)

    // Once both are gone each is found by the name it had last.
    stranger.remove()
    try libvirt.virsh("destroy", renamed)
    try libvirt.virsh("undefine", renamed)
    #expect(try names(libvirt, pool, of: renamed) == ["p1", "p2", "p3"])
    #expect(try names(libvirt, pool, of: name) == ["q1"])
  }

  @Test(arguments: LibvirtMode.available)
  func `a transient pool that libvirt stops under a restore is made again`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode), disks: [TestDisk("vda")])
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x41 0 32M")
    let expected = try scene.domain.save()["vda"]
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (client, _) = try scene.startRestoreSlowly("p", to: directory)
    removePool(of: directory, scene.libvirt)
    try scene.run("backup-setspeed", "0").expectSuccess()
    try client.wait().expectSuccess()
    let restored = "\(directory)/\(URL(filePath: try scene.domain.path("vda")).lastPathComponent)"
    #expect(try expected?.difference(from: restored, format: .qcow2) == nil)
    removePool(of: directory, scene.libvirt)
    try scene.expectNoStrays()
  }

  private func names(_ libvirt: PrivateLibvirt, _ pool: String, of domain: String) throws
    -> [String]
  {
    try Program.expectSuccess(
      libvirt, "backup-list", "--domain", domain, "--pool", pool, "--name", "--topological"
    ).split(separator: "\n").map(String.init)
  }

  /// Ends the transient pool that serves a directory.
  private func removePool(of directory: String, _ libvirt: PrivateLibvirt) {
    for pool in (try? libvirt.virsh("pool-list", "--name").split(separator: "\n")) ?? [] {
      let name = pool.trimmingCharacters(in: .whitespaces)
      guard name.hasPrefix("virsh-backup-"),
        (try? libvirt.virsh("pool-dumpxml", name))?.contains("<path>\(directory)<") == true
      else { continue }
      _ = try? libvirt.virsh("pool-destroy", name)
    }
  }
}
