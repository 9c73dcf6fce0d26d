// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain that is gone comes back, and a copy lives beside one that is not.
struct RestoredDomainTests {
  /// Devices with names, addresses, sockets and secrets of their own.
  private static func devices(_ directory: String) -> String {
    """
    <interface type='user'>
      <mac address='52:54:00:aa:bb:cc'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <graphics type='vnc' passwd='geheim'>
      <listen type='socket' socket='\(directory)/vnc'/>
    </graphics>
    <video><model type='vga'/></video>
    </devices>
    """
  }

  /// A domain with such devices and two points.
  private func make(_ mode: LibvirtMode) throws -> History {
    let history = try History(PrivateLibvirt.shared(mode), start: .off)
    do {
      // QEMU makes its socket itself.
      let sockets = try history.libvirt.makeDirectory("s")
      if mode == .system { try Command.run("chmod", ["0777", sockets]).expectSuccess() }
      try history.domain.redefine(replacing: [
        ("</devices>", Self.devices(sockets)),
        (
          "<memory ",
          "<title>Größe &lt; 1</title><description>two\nlines</description><memory "
        ),
      ])
      try history.domain.start(paused: true)
      for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 1 1M 4M") }
      try history.backUp("f")
      for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 2 2M 1M") }
      try history.libvirt.virsh("autostart", history.domain.name)
      try history.backUp("i")
      return history
    } catch {
      history.remove()
      throw error
    }
  }

  @Test func `a domain that cannot be started is restored and defined, and that is said`() throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 1 << 20)], start: .off)
    defer { scene.remove() }
    let domain = scene.domain
    try domain.redefine(replacing: [
      ("</devices>", "<interface type='network'><source network='lan'/></interface></devices>")
    ])
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try domain.vanish()
    let result = try scene.run("backup-restore", "p", "--start")
    #expect(result.status == 1)
    #expect(
      result.firstError.hasPrefix(
        "domain '\(domain.name)' is restored and defined, but not started: "), "\(result)")
    #expect(try domain.state() == "shut off")
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a domain that is gone is restored, defined as it was, and started`(
    mode: LibvirtMode
  ) throws {
    let history = try make(mode)
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    let definition = try domain.inactiveDefinition()
    let uuid = try libvirt.uuid(of: domain.name)
    #expect(definition.contains("geheim"))
    let manifest = try history.run("backup-info", "--xml").expectSuccess().stdout
    #expect(manifest.contains("geheim"))

    try domain.vanish()
    let result = try history.run("backup-restore").expectSuccess()
    #expect(result.stdout.contains("Domain '\(domain.name)' restored from backup i"))
    #expect(result.stderr.contains("from backup i of "))
    #expect(try domain.state() == "shut off")
    #expect(try domain.inactiveDefinition() == definition)
    #expect(try libvirt.virsh("dominfo", domain.name).contains(/Autostart: +enable/))
    for target in ["vda", "vdb"] {
      #expect(
        try history.references["i"]?[target]?.difference(
          from: domain.path(target), format: history.format(of: target)) == nil)
    }

    try domain.vanish()
    try history.run("backup-restore", "f", "--start").expectSuccess()
    #expect(try domain.state() == "running")
    #expect(try libvirt.uuid(of: domain.name) == uuid)
    #expect(try libvirt.virsh("dominfo", domain.name).contains(/Autostart: +disable/))
    #expect(try domain.inactiveDefinition() == definition)
    try domain.destroy()
    for target in ["vda", "vdb"] {
      #expect(
        try history.references["f"]?[target]?.difference(
          from: domain.path(target), format: history.format(of: target)) == nil)
    }

    try domain.vanish()
    try history.run("backup-restore", "--paused").expectSuccess()
    #expect(try domain.state() == "paused")
    // The images are new: nothing says what changed in them since a point.
    #expect(
      try history.backUp("n").reasons == ["vda bitmap_missing", "vdb bitmap_lost"])
  }

  @Test(arguments: LibvirtMode.available)
  func `a copy lives beside the original`(mode: LibvirtMode) throws {
    let history = try make(mode)
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    let copy = "\(domain.name)-copy"
    defer { libvirt.discard(copy) }
    let before = try domain.inactiveDefinition()
    try libvirt.virsh("resume", domain.name)

    let output = try history.run("backup-restore", "f", "--newname", copy, "--start")
      .expectSuccess().stdout
    #expect(output.contains("Domain '\(copy)' restored from backup f"))
    #expect(try domain.state() == "running")
    #expect(try libvirt.virsh("domstate", copy).hasPrefix("running"))
    #expect(try libvirt.uuid(of: copy) != libvirt.uuid(of: domain.name))
    let definition = try libvirt.inactiveDefinition(of: copy)
    #expect(definition.contains("<mac address='52:54:00:"))
    #expect(!definition.contains("52:54:00:aa:bb:cc"))
    #expect(definition.contains("geheim"))
    #expect(!definition.contains("/vnc'"))
    #expect(try libvirt.virsh("dominfo", copy).contains(/Autostart: +disable/))
    let files = ["vda": "\(copy)-vda.qcow2", "vdb": "\(copy)-vdb.img"].mapValues {
      "\(domain.directory)/\($0)"
    }
    for file in files.values { #expect(definition.contains("file='\(file)'")) }
    #expect(try domain.inactiveDefinition() == before)

    // Each writes to its own.
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 3 0 64k") }
    #expect(try history.backUp("j").reasons == [])
    try libvirt.virsh("destroy", copy)
    for (target, file) in files {
      #expect(
        try history.references["f"]?[target]?.difference(
          from: file, format: history.format(of: target)) == nil)
    }
    try expect(history.differences(of: ["i", "j"]), [])

    let refusal = try history.run("backup-restore", "f", "--newname", copy)
    #expect(refusal.status == 1)
    #expect(refusal.stderr.contains("domain '\(copy)' already exists with uuid"))
  }
}
