// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain is its UUID, whatever its name is or was.
struct RecordedDomainsTests {
  private let disks = [TestDisk("vda", size: 1 << 20), TestDisk("vdb", .raw, size: 1 << 20)]

  @Test(arguments: LibvirtMode.available)
  func `a renamed domain keeps its chain and is restored by any UUID`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode), disks: disks)
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    let renamed = "\(domain.name)-renamed"
    defer { libvirt.discard(renamed) }
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 1 0 512k") }
    let first = try history.backUp("f")
    try domain.destroy()
    try libvirt.virsh("domrename", domain.name, renamed)
    let uuid = try libvirt.uuid(of: renamed)
    try libvirt.virsh("start", renamed, "--paused")
    let command = ["--pool", history.pool.name]
    try Program.run(
      libvirt, ["backup-create", renamed, "--backupname", "i"] + command
    ).expectSuccess()
    let second = try Info(
      Program.run(libvirt, ["backup-info", renamed, "i", "--json"] + command).expectSuccess().stdout
    )
    #expect(second.disk("vda")?.parent == "f")
    #expect(second.reasons == ["vdb bitmap_lost"])
    try libvirt.virsh("destroy", renamed)
    try libvirt.virsh("undefine", renamed)

    // By the domain's UUID, its newest and its older name; by the backup's name and UUID.
    for (name, point) in [
      (uuid, "f"), (uuid.uppercased(), first.uuid), (renamed, first.uuid.uppercased()),
      (domain.name, "f"),
    ] {
      let directory = try libvirt.makeDirectory("restored")
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let output = try Program.run(
        libvirt,
        ["backup-restore", name, point, "--no-define", "--target-pool", directory] + command
      ).expectSuccess().stdout
      #expect(output.contains("restored from backup f"))
      #expect(
        try history.references["f"]?["vda"]?.difference(
          from: "\(directory)/vda.qcow2", format: .qcow2) == nil)
    }
    // The definition is that of the instant, and so is the name.
    for disk in disks { try FileManager.default.removeItem(atPath: domain.path(disk.target)) }
    try Program.run(libvirt, ["backup-restore", uuid, "i"] + command).expectSuccess()
    #expect(try libvirt.uuid(of: renamed) == uuid)
  }

  @Test(arguments: LibvirtMode.available)
  func `a name that two recorded domains had is refused with both UUIDs`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let pool = try Pool(libvirt)
    defer { pool.remove() }
    let name = libvirt.uniqueName("twin")
    var uuids: [String] = []
    for number in UInt8(1)...2 {
      let domain = try TestDomain(libvirt, disks: [TestDisk("vda", size: 1 << 20)], name: name)
      defer { domain.remove() }
      try domain.write("vda", "write -P \(number) 0 64k")
      uuids.append(try libvirt.uuid(of: name))
      try Program.run(
        libvirt, ["backup-create", name, "--pool", pool.name, "--backupname", "p\(number)"]
      ).expectSuccess()
    }
    for command in [
      ["backup-restore", name, "--no-define"], ["backup-info", name],
      ["backup-delete", name, "p1"],
      ["backup-list", "--domain", name],
    ] {
      let result = try Program.run(libvirt, command + ["--pool", pool.name])
      #expect(result.ending == .exited(1), "\(result)")
      for uuid in uuids { #expect(result.stderr.contains(uuid), "\(result)") }
    }
    // By its UUID each is there.
    for (number, uuid) in uuids.enumerated() {
      let names = try Program.expectSuccess(
        libvirt, "backup-list", "--domain", uuid, "--pool", pool.name, "--name")
      #expect(names.split(separator: "\n") == ["p\(number + 1)"])
    }
  }
}
