// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Restores that libvirt would refuse to define in the end: they are refused before anything is
/// copied, with the line that helps.
struct UndefinableTests {
  /// A domain that is gone, and its one point.
  private static func make() throws -> History {
    try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 1 << 20)]
    ) { history in
      try history.backUp("p")
    }
  }

  /// Runs a restore that must be refused with these texts, and must leave everything as it was.
  private func refuse(
    _ history: History, _ texts: [String], _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let directories = [history.pool.directory, history.domain.directory]
    let listing = { try Command.run("ls", ["-lR"] + directories).expectSuccess().stdout }
    let before = try listing()
    func domains() throws -> [String] {
      let own = [history.domain.name, "copy", "a/b"]
      return try history.libvirt.domainNames().filter(own.contains) + history.helpers()
    }
    let known = try domains()
    let result = try Program.run(
      history.libvirt,
      ["backup-restore", history.domain.name, "--pool", history.pool.name] + arguments)
    #expect(result.ending == .exited(1), "\(result)", sourceLocation: sourceLocation)
    for text in texts {
      #expect(result.stderr.contains(text), "\(result)", sourceLocation: sourceLocation)
    }
    #expect(try listing() == before, sourceLocation: sourceLocation)
    #expect(try domains() == known, sourceLocation: sourceLocation)
    // Nothing stands in the way of others.
    try history.run("backup-jobinfo").expectSuccess()
  }

  @Test func `a name that libvirt gives to no domain is refused`() throws {
    let history = try Self.make()
    defer { history.remove() }
    for (name, more) in [
      ("a/b", []), ("a/b", ["--live"]), ("..", ["--async"]), ("two\nlines", ["--start"]),
      (String(repeating: "n", count: 250), ["--print-xml"]),
    ] {
      let arguments = ["--newname", name] + more
      try refuse(history, ["invalid domain name", "--newname"], arguments)
    }
  }

  @Test func `a machine type that this host does not know is refused`() throws {
    let history = try Self.make()
    defer { history.remove() }
    let domain = history.domain
    // As if it came from a newer host.
    let manifest = try #require(try history.pool.files().first { $0.hasSuffix(".backup.xml") })
    let path = history.pool.path(manifest)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing(/machine=["']pc-q35-[0-9.]+["']/, with: "machine='pc-q35-99.0'")
      .write(toFile: path, atomically: false, encoding: .utf8)
    let refusal = ["pc-q35-99.0", "--no-define", "--print-xml"]
    for more in [["--start"], ["--live"], ["--async"]] {
      try refuse(history, refusal, ["--newname", "copy"] + more)
    }
    try domain.destroy()
    try refuse(history, ["pc-q35-99.0", "--diskspec"], ["--overwrite"])
    try domain.vanish()
    try refuse(history, refusal, [])

    let shown = try history.run("backup-restore", "--print-xml").expectSuccess().stdout
    #expect(shown.contains("pc-q35-99.0"))
    try history.run("backup-restore", "--no-define").expectSuccess()
  }

  @Test func `an emulator that is not there is refused, other things of the host are not`() throws {
    let history = try Self.make()
    defer { history.remove() }
    let domain = history.domain
    let emulator = "\(domain.directory)/emulator"
    try "#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n"
      .write(toFile: emulator, atomically: false, encoding: .utf8)
    try Command.run("chmod", ["755", emulator]).expectSuccess()
    try domain.destroy()
    try domain.redefine(replacing: [("/usr/bin/qemu-system-x86_64", emulator)])
    try history.backUp("e")
    try FileManager.default.removeItem(atPath: emulator)
    try domain.vanish()
    try refuse(history, [emulator, "--no-define"], ["e"])

    try history.run("backup-restore", "p").expectSuccess()
    // A definition may name a network that is not there.
    try domain.redefine(
      replacing: [
        ("</devices>", "<interface type='network'><source network='none'/></interface></devices>")
      ])
    try history.backUp("n", "--full")
    try domain.vanish()
    try history.run("backup-restore", "n").expectSuccess()
    #expect(try history.libvirt.inactiveDefinition(of: domain.name).contains("network='none'"))
    #expect(try history.helpers() == [])
  }

  @Test func `a disk of a pool that is gone goes where the user says`() throws {
    let history = try Self.make()
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    let images = try Pool(libvirt)
    defer { images.remove() }
    try domain.destroy()
    let image = images.path("vda.img")
    try FileManager.default.moveItem(atPath: try domain.path("vda"), toPath: image)
    try images.refresh()
    try domain.redefine(
      replacing: [
        ("type='file' device='disk'", "type='volume' device='disk'"),
        ("file='\(try domain.path("vda"))'", "pool='\(images.name)' volume='vda.img'"),
      ])
    try history.backUp("v", "--full")
    try domain.undefine()
    try images.undefine()
    try refuse(history, ["storage pool '\(images.name)'", "--target-pool", "--diskspec"], ["v"])
    let target = try libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: target) }
    try history.run("backup-restore", "v", "--target-pool", target).expectSuccess()
    #expect(try libvirt.inactiveDefinition(of: domain.name).contains("\(target)/"))
    try domain.start(paused: true)
  }
}
