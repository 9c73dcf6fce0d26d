// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What a restore refuses, before it writes anything.
struct RestoreRefusalsTests {
  /// Runs a restore that must fail with that text, and must leave everything as it was.
  private func refuse(
    _ history: History, _ text: String, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let directories = [history.pool.directory, history.domain.directory]
    let listing = { try Command.run("ls", ["-lR"] + directories).expectSuccess().stdout }
    let before = try listing()
    let domains = try history.libvirt.domainNames()
    let result = try Program.run(
      history.libvirt,
      ["backup-restore", history.domain.name, "--pool", history.pool.name] + arguments)
    #expect(result.ending == .exited(1), "\(result)", sourceLocation: sourceLocation)
    #expect(result.stdout == "\n", sourceLocation: sourceLocation)
    #expect(
      result.stderr.split(separator: "\n").contains { $0.hasPrefix("error: ") },
      sourceLocation: sourceLocation)
    #expect(result.stderr.contains(text), "\(result)", sourceLocation: sourceLocation)
    #expect(try listing() == before, sourceLocation: sourceLocation)
    let added = Set(try history.libvirt.domainNames()).subtracting(domains)
    #expect(
      added.isDisjoint(with: [history.domain.name, "\(history.domain.name)-copy"]),
      sourceLocation: sourceLocation)
  }

  @Test(arguments: LibvirtMode.available)
  func `a restore over something that exists is refused`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 1 << 20), TestDisk("vdb", .raw, size: 1 << 20)])
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    try history.backUp("f")

    // The domain: running, shut off.
    try refuse(history, "domain '\(domain.name)' exists")
    try domain.destroy()
    try refuse(history, "domain '\(domain.name)' exists")
    // Its files, with and without it.
    let vda = try domain.path("vda"), vdb = try domain.path("vdb")
    try refuse(history, "file '\(vda)' exists", "--no-define")
    try domain.undefine()
    try refuse(history, "file '\(vda)' exists")
    // One of two files is enough, and the other is not made.
    try FileManager.default.removeItem(atPath: vda)
    try refuse(history, "file '\(vdb)' exists")
    // A link that leads nowhere is something too, and so is a file that libvirt does not list.
    try FileManager.default.removeItem(atPath: vdb)
    try FileManager.default.createSymbolicLink(atPath: vdb, withDestinationPath: "/nowhere/at/all")
    try refuse(history, "file '\(vdb)' exists")
    try FileManager.default.removeItem(atPath: vdb)
    let hidden = "\(domain.directory)/.hidden"
    try "mine".write(toFile: hidden, atomically: false, encoding: .utf8)
    try refuse(
      history, "file '\(hidden)' exists", "--no-define", "--diskspec", "vda,file=\(hidden)")
    #expect(try String(contentsOfFile: hidden, encoding: .utf8) == "mine")

    // Another domain under the old name.
    let anew = try TestDomain(libvirt, disks: [], name: domain.name, start: .off)
    defer { anew.remove() }
    let uuid = try libvirt.uuid(of: domain.name)
    let recorded = try Program.expectSuccess(
      libvirt, "backup-list", "--pool", history.pool.name, "--json")
    let old = try #require(recorded.firstMatch(of: /"domain_uuid": *"([^"]+)"/)).1
    let result = try Program.run(
      libvirt, ["backup-restore", String(old), "--pool", history.pool.name])
    #expect(result.status == 1)
    #expect(
      result.stderr.contains("domain '\(domain.name)' already exists with uuid \(uuid)"),
      "\(result)")
    // By its name it is the other one that is meant, and that has no backup.
    let other = "it has those of another domain of that name (\(old)), to be named by UUID"
    try refuse(history, "domain '\(domain.name)' has no backup in pool")
    try refuse(history, other)
    for command in ["backup-info", "backup-delete"] {
      let found = try history.run(command, "f")
      #expect(found.status == 1 && found.stderr.contains(other), "\(found)")
    }
    let list = try history.run("backup-list").expectSuccess()
    #expect(list.stderr.contains(other), "\(list)")
    // None of it has left anything that stands in the way.
    anew.remove()
    try history.run("backup-restore").expectSuccess()
  }

  @Test(arguments: LibvirtMode.available)
  func `a restore that makes no sense is refused`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 1 << 20), TestDisk("vdb", .raw, size: 1 << 20)])
    defer { history.remove() }
    try history.backUp("f")
    let directory = history.domain.directory
    try refuse(history, "no domain backup with matching name 'g'", "g", "--no-define")
    try refuse(history, "has no disk named 'vdc'", "--no-define", "--diskspec", "vdc")
    try refuse(
      history, "disk 'vda' specified twice", "--no-define", "--diskspec", "vda", "--diskspec", "vda"
    )
    try refuse(history, "format 'vmdk' is not one of", "--no-define", "--format", "vmdk")
    try refuse(
      history, "'here' is not absolute", "--no-define", "--diskspec", "vda,file=here")
    try refuse(
      history, "is not absolute", "--no-define", "--diskspec", "vda,file=\(directory)/../x")
    try refuse(history, "unable to parse diskspec", "--no-define", "--diskspec", "vda,color=red")
    try refuse(
      history, "two disks would be restored to", "--no-define",
      "--diskspec", "vda,file=\(directory)/x", "--diskspec", "vdb,file=\(directory)/x")
    try refuse(history, "mutually exclusive", "--no-define", "--start")
    try refuse(history, "no storage pool with matching name", "--target-pool", "nowhere")
    let result = try Program.run(
      history.libvirt, ["backup-restore", "nobody", "--pool", history.pool.name])
    #expect(result.status == 1)
    #expect(result.stderr.contains("no domain and no backup of a domain with name 'nobody'"))
  }
}
