// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Where restored disks go, and in what form.
struct RestoreTargetsTests {
  /// Bytes a file occupies.
  private func allocation(_ path: String) throws -> UInt64 {
    let text = try Command.run("stat", ["-c", "%b", path]).expectSuccess().stdout
    guard let blocks = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw CommandError("stat: \(text)")
    }
    return blocks * 512
  }

  private func expectSame(
    _ history: History, _ point: String, _ target: String, _ file: String,
    _ format: TestDisk.Format, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let reference = try #require(history.references[point]?[target])
    #expect(
      try reference.difference(from: file, format: format) == nil, sourceLocation: sourceLocation)
  }

  @Test(arguments: LibvirtMode.available)
  func `restored files are sparse, QEMU's own and nobody else's`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 1 << 30), TestDisk("vdb", .raw, size: 1 << 30)])
    defer { history.remove() }
    let domain = history.domain
    for target in ["vda", "vdb"] {
      try domain.write(target, "write -P 1 0 1M")
      try domain.write(target, "write -P 1 700M 1M")
      try domain.write(target, "write -z 800M 4M")
    }
    try history.backUp("f")
    for target in ["vda", "vdb"] { try domain.write(target, "write -z -u 700M 512k") }
    try history.backUp("i")
    try domain.vanish()
    try history.run("backup-restore").expectSuccess()
    for target in ["vda", "vdb"] {
      let path = try domain.path(target)
      try expectSame(history, "i", target, path, history.format(of: target))
      #expect(try allocation(path) < 4 << 20)
      let owner = try Command.run("stat", ["-c", "%u:%g %a", path]).expectSuccess().stdout
      #expect(owner == "\(history.libvirt.uid):\(history.libvirt.gid) 600\n")
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: domain.directory)
    #expect(!files.contains { $0.contains("part") }, "\(files)")
  }

  @Test func `what would be defined is printed, and nothing is done`() throws {
    let history = try History(PrivateLibvirt.shared(.session))
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    try history.backUp("f")
    let target = try Pool(libvirt)
    defer { target.remove() }
    // Files that are in the way of a restore are not in the way of looking at it.
    let beside = try history.run("backup-restore", "f", "--print-xml").expectSuccess()
    #expect(beside.stdout.contains("<name>\(domain.name)</name>"), "\(beside)")
    try domain.vanish()
    let printed = try history.run(
      "backup-restore", "f", "--target-pool", target.name, "--format", "qcow2", "--print-xml"
    ).expectSuccess()
    #expect(printed.stdout.hasPrefix("<domain ") && printed.stderr == "", "\(printed)")
    #expect(try target.files() == [])
    #expect(try !libvirt.domainNames().contains(domain.name))

    try history.run("backup-restore", "f", "--target-pool", target.name, "--format", "qcow2")
      .expectSuccess()
    let restored = try domain.inactiveDefinition()
    let file = "\(domain.directory)/printed.xml"
    try printed.stdout.write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.virsh("define", file)
    #expect(try domain.inactiveDefinition() == restored)
  }

  @Test(arguments: LibvirtMode.available)
  func `disks are restored alone, to named files and in another format`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 1 1M 3M") }
    try history.backUp("f")
    let target = try Pool(libvirt)
    defer { target.remove() }

    try history.run(
      "backup-restore", "f", "--no-define", "--diskspec",
      "vda,file=\(target.path("one,,comma.img")),driver=raw"
    ).expectSuccess()
    try expect(target.files(), ["one,comma.img"])
    try expectSame(history, "f", "vda", target.path("one,comma.img"), .raw)

    try history.run(
      "backup-restore", "f", "--no-define", "--diskspec",
      "vdb,pool=\(target.name),file=two.qcow2,driver=qcow2"
    ).expectSuccess()
    try expect(target.files(), ["one,comma.img", "two.qcow2"])
    try expectSame(history, "f", "vdb", target.path("two.qcow2"), .qcow2)

    // A copy of one disk has no other: two domains would write one image.
    let copy = "\(domain.name)-copy"
    defer { libvirt.discard(copy) }
    try history.run(
      "backup-restore", "f", "--newname", copy, "--target-pool", target.name, "--format", "qcow2",
      "--diskspec", "vdb", "--paused"
    ).expectSuccess()
    try libvirt.virsh("destroy", copy)
    let definition = try libvirt.inactiveDefinition(of: copy)
    #expect(!definition.contains("<target dev='vda'"))
    #expect(definition.contains("file='\(target.path("\(copy)-vdb.qcow2"))'"))
    try expectSame(history, "f", "vdb", target.path("\(copy)-vdb.qcow2"), .qcow2)
  }

  @Test(arguments: LibvirtMode.available)
  func `a domain that is gone comes back in another place and format`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    let domain = history.domain
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 1 1M 3M") }
    try history.backUp("f")
    try domain.vanish()
    let target = try Pool(history.libvirt)
    defer { target.remove() }
    try history.run(
      "backup-restore", "--target-pool", target.name, "--format", "raw", "--start"
    ).expectSuccess()
    #expect(try domain.state() == "running")
    try domain.destroy()
    // The names are those of the definition.
    try expect(target.files(), ["vda.qcow2", "vdb.raw"])
    for disk in domain.allDisks {
      let name = "\(disk.target).\(disk.format.rawValue)"
      try expectSame(history, "f", disk.target, target.path(name), .raw)
      #expect(try domain.inactiveDefinition().contains("file='\(target.path(name))'"))
    }
    #expect(try !domain.inactiveDefinition().contains("type='qcow2'"))
  }

  @Test(arguments: LibvirtMode.available)
  func `a disk that is a volume of a pool goes back into that pool`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode), start: .off)
    defer { history.remove() }
    let domain = history.domain
    let images = try Pool(history.libvirt, directory: domain.directory)
    defer { try? images.undefine() }
    try images.refresh()
    let sources = try domain.allDisks.map { disk in
      (
        "<source file='\(try domain.path(disk.target))'/>",
        "<source pool='\(images.name)' volume='\(disk.target).\(disk.format.rawValue)'/>"
      )
    }
    try domain.redefine(replacing: sources + [("<disk type='file'", "<disk type='volume'")])
    try domain.start(paused: true)
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 1 1M 3M") }
    try history.backUp("f")
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 2 2M 3M") }
    #expect(try history.backUp("i").reasons == [])
    let definition = try domain.inactiveDefinition()
    try domain.vanish()
    try history.run("backup-restore", "--start").expectSuccess()
    #expect(try domain.inactiveDefinition() == definition)
    try domain.destroy()
    for target in ["vda", "vdb"] {
      try expectSame(history, "i", target, domain.path(target), history.format(of: target))
    }
  }
}
