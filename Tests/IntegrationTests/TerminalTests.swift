// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Backups on a terminal: bars, ^C, and no bars where nobody looks.
struct TerminalTests {
  private static let prompt = "virsh-backup # "

  /// A domain with enough data that a copy can be caught.
  private func makeScene() throws -> Scene {
    let scene = try Scene(
      PrivateLibvirt.shared(.session),
      disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", .raw, size: 8 << 20)])
    try scene.domain.write("vda", "write -P 0x41 0 224M")
    try scene.domain.write("vdb", "write -P 0x42 1M 2M")
    return scene
  }

  @Test func `^C cancels a backup, and leaves nothing`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let terminal = try Program.open(scene.libvirt, scene.slowCreate("p"))
    try scene.awaitCopy(of: "p")
    terminal.send(PseudoTerminal.control("c"))
    try terminal.expect("error: interrupted, nothing was kept\r\n")
    #expect(try terminal.wait() == .exited(1))
    #expect(terminal.isSane)
    #expect(try scene.pool.files() == [])
    #expect(try scene.domain.ourBitmaps() == [])
    try scene.expectNoStrays()
  }

  @Test func `^C cancels a backup, and the session goes on`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let terminal = try Program.open(scene.libvirt)
    try terminal.expect(Self.prompt)
    terminal.send(scene.slowCreate("p").joined(separator: " ") + "\r")
    try scene.awaitCopy(of: "p")
    terminal.send(PseudoTerminal.control("c"))
    try terminal.expect("error: interrupted, nothing was kept\r\n")
    try terminal.expect(Self.prompt)
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()
    terminal.send("domstate \(scene.domain.name)\r")
    try terminal.expect("running")
    try terminal.expect(Self.prompt)
    // At the prompt it ends the program.
    terminal.send(PseudoTerminal.control("c"))
    #expect(try terminal.wait() == .signalled(SIGINT))
    #expect(terminal.isSane)
  }

  @Test func `bars fit the window, also one that gets smaller or larger`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let terminal = try Program.open(scene.libvirt, scene.slowCreate("p"), columns: 120)
    try scene.awaitCopy(of: "p")
    let endOfDrawing = "\u{1B}[J"
    var screen = Screen(columns: 120)
    screen.show(try terminal.expect(endOfDrawing))
    #expect(screen.text.contains(#/vda \[[=> ]{40}\] +[0-9]+ % .* / /#), "\(screen.text)")
    for columns in [60, 30, 12, 3, 100] {
      screen.show(terminal.resize(columns: columns))
      screen.resize(columns: columns, rows: 24)
      screen.show(try terminal.expect(endOfDrawing))
      let lines = screen.text.split(separator: "\n").suffix(2)
      #expect(lines.allSatisfy { $0.count < columns }, "\(screen.text)")
      #expect(
        zip(lines, ["vda", "vdb"]).allSatisfy { $0.hasPrefix($1.prefix(columns - 1)) },
        "\(screen.text)")
    }
    try scene.setSpeed(0)
    #expect(try terminal.wait() == .exited(0))
    screen.show(terminal.unread)
    let lines = screen.text.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("vda [") } == 1, "\(screen.text)")
    #expect(lines.count { $0.hasPrefix("vdb [") } == 1, "\(screen.text)")
    #expect(lines.suffix(3).first?.contains("100 %") == true, "\(screen.text)")
    #expect(lines.last == "Domain backup p created")
    #expect(terminal.isSane)
  }

  @Test func `nobody is shown progress who does not look or does not want to`() throws {
    let scene = try Scene(PrivateLibvirt.shared(.session))
    defer { scene.remove() }
    let piped = try scene.run("backup-create", "--backupname", "a").expectSuccess()
    #expect(piped.stderr == "")
    #expect(piped.stdout.hasSuffix("\nDomain backup a created\n"))
    for quiet in [["-q"], ["-q", "-t"]] {
      let terminal = try Program.open(
        scene.libvirt, quiet + scene.arguments("backup-create", ["--verbose"]))
      #expect(try terminal.wait() == .exited(0))
      #expect(!terminal.output.contains("%") && !terminal.output.contains("\u{1B}"))
    }
    let asked = try scene.run("backup-create", "--verbose", "--full").expectSuccess()
    #expect(asked.stderr.hasSuffix("\rBackup: [100 %]\n"))
  }
}
