// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What stands on a volume keeps it, whatever the manifests say.
struct NeededVolumesTests {
  private static let disks = [TestDisk("vda", size: 4 << 20)]

  /// Makes points of a domain, each of which stands on the one before.
  private static func make(_ mode: LibvirtMode, _ points: String...) throws -> History {
    let history = try History(PrivateLibvirt.shared(mode), disks: disks)
    for (number, point) in points.enumerated() {
      try history.domain.write("vda", "write -P \(number + 1) \(number)M 100k")
      try history.backUp(point)
    }
    return history
  }

  /// Expects that a delete is refused with these texts and takes nothing.
  private static func refuse(
    _ history: History, _ arguments: [String], _ texts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let files = try history.pool.files()
    let result = try Program.run(
      history.libvirt,
      ["backup-delete", history.domain.name] + arguments + ["--pool", history.pool.name])
    #expect(result.ending == .exited(1), "\(result)", sourceLocation: sourceLocation)
    for text in texts {
      #expect(result.stderr.contains(text), "\(result)", sourceLocation: sourceLocation)
    }
    #expect(try history.pool.files() == files, sourceLocation: sourceLocation)
  }

  @Test(arguments: LibvirtMode.available)
  func `what a backup stands on stays while its manifest cannot be read`(mode: LibvirtMode) throws {
    let history = try Self.make(mode, "p0", "p1", "p2")
    defer { history.remove() }
    let name = "\(history.domain.name).p1.backup.xml"
    let manifest = history.pool.path(name)
    let whole = try String(contentsOfFile: manifest, encoding: .utf8)
    for text in [
      whole.replacing("<backup version='1'", with: "<backup version='2'"),
      String(whole.prefix(whole.count / 2)), String(repeating: "\0", count: whole.utf8.count), "",
    ] {
      try text.write(toFile: manifest, atomically: false, encoding: .utf8)
      try Self.refuse(history, ["p0"], "\(history.domain.name).p1.vda.qcow2", name)
      try Self.refuse(history, ["p0", "--diskspec", "vda"], name)
    }
    try whole.write(toFile: manifest, atomically: false, encoding: .utf8)
    try expect(history.differences(), [])
    try history.run("backup-delete", "p0").expectSuccess()
    history.drop(["p0"])
    try expect(history.differences(), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `an image of a domain, or in the pool, keeps what it stands on`(mode: LibvirtMode) throws {
    let history = try Self.make(mode, "p0", "p1")
    defer { history.remove() }
    let libvirt = history.libvirt, name = libvirt.uniqueName("overlay")
    defer { libvirt.discard(name) }
    let directory = try libvirt.makeDirectory(name)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let base = history.pool.path("\(history.domain.name).p0.vda.qcow2")
    let lower = "\(directory)/lower.qcow2", upper = "\(directory)/upper.qcow2"
    for (image, backing) in [(lower, base), (upper, "lower.qcow2")] {
      try Command.run(
        "qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", backing, image]
      ).expectSuccess()
      try libvirt.giveToDaemon(image)
    }
    let definition = "\(directory)/domain.xml"
    try """
    <domain type='qemu'><name>\(name)</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
    <source file='\(upper)'/><target dev='vda' bus='virtio'/></disk>
    </devices></domain>
    """.write(toFile: definition, atomically: false, encoding: .utf8)
    try libvirt.virsh("define", definition)
    let volume = "\(history.domain.name).p0.vda.qcow2"
    try Self.refuse(history, ["p0"], volume, "domain '\(name)'")
    try Self.refuse(history, ["p0", "--children"], volume, "domain '\(name)'")
    try libvirt.virsh("start", name, "--paused")
    try libvirt.virsh("undefine", name)
    try Self.refuse(history, ["p0"], volume, "domain '\(name)'")
    try libvirt.virsh("destroy", name)

    // Nobody has it, and it is in the pool.
    let stray = history.pool.path("stray.qcow2")
    for backing in [base, volume, "./\(volume)", "json:{\"file.filename\": \"\(base)\"}"] {
      try Command.run(
        "qemu-img",
        ["create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", backing, stray, "4M"]
      ).expectSuccess()
      try libvirt.giveToDaemon(stray)
      try Self.refuse(history, ["p0"], volume, "volume 'stray.qcow2'")
    }
    try FileManager.default.removeItem(atPath: stray)
    try history.run("backup-delete", "p0").expectSuccess()
    history.drop(["p0"])
    try expect(history.differences(), [])
  }
}
