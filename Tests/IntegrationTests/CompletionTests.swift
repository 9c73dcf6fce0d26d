// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// `complete` on a hypervisor.
struct CompletionTests {
  /// Asks for the candidates of a line's last word.
  private func complete(_ libvirt: PrivateLibvirt, _ words: String...) throws -> CommandResult {
    try Program.run(libvirt, ["-q", "complete", "--"] + words)
  }

  @Test(arguments: LibvirtMode.available)
  func `what there is is offered, and nothing is changed`(mode: LibvirtMode) throws {
    // A daemon of its own, in which nothing else changes.
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    let off = try TestDomain(scene.libvirt, disks: [TestDisk("vda")], start: .off)
    defer { off.remove() }
    try scene.run("backup-create", "--backupname", "monday").expectSuccess()
    try scene.run("backup-create", "--backupname", "tuesday").expectSuccess()
    let directory = try scene.libvirt.makeDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }

    func state() throws -> [String] {
      try [scene.libvirt.virsh("pool-list", "--all"), scene.libvirt.virsh("list", "--all")]
        + scene.pool.files() + scene.domain.ourBitmaps() + scene.domain.ourNodes()
    }
    let before = try state()
    func candidates(_ line: String) throws -> [String] {
      let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      let result = try Program.run(scene.libvirt, ["-q", "complete", "--"] + words)
      #expect(result.stderr == "" && result.status == (result.stdout.isEmpty ? 1 : 0), "\(result)")
      return result.stdout.split(separator: "\n").map(String.init)
    }
    let name = scene.domain.name, pool = scene.pool.name
    #expect(try candidates("backup-info --pool \(pool) \(name) ").contains("--backupname"))
    #expect(try candidates("backup-info --pool \(pool) \(name) t") == ["tuesday"])
    #expect(
      try candidates("backup-delete \(name) --pool \(scene.pool.directory) --backupname ")
        == ["monday", "tuesday"])
    #expect(try candidates("backup-delete \(name) --pool \(directory) --backupname ") == [])
    #expect(try candidates("backup-create \(name) --pool \(directory) --parent ") == [])
    #expect(try candidates("backup-create \(name) --diskspec ") == ["vda", "vdb"])
    #expect(
      try candidates("backup-create \(name) --diskspec vdb,backup=") == [
        "vdb,backup=yes", "vdb,backup=no",
      ])
    #expect(try candidates("backup-restore \(name) --pool \(pool) --diskspec v") == ["vda", "vdb"])
    #expect(try candidates("backup-list --pool \(pool.dropLast())").contains(pool))
    #expect(try candidates("backup-create --domain ").contains(name))
    #expect(try candidates("backup-create --domain ").contains(off.name))
    #expect(try !candidates("backup-forget --domain ").contains(off.name))
    #expect(try candidates("backup-info --domain ").contains(off.name))
    #expect(try candidates("dominfo \(name.dropLast())").contains(name))
    #expect(try state() == before)
  }

  @Test func `a daemon that is dead or silent is not waited for`() throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let daemon = try #require(libvirt.daemonPID)
    for words in [["backup-info", "x"], ["dominfo", "x"], ["backup-in"]] {
      let arguments = ["-c", libvirt.uri, "complete", "--"] + words
      kill(daemon, SIGSTOP)
      let silent = try Command.run(TestSupport.Program.path, arguments)
      kill(daemon, SIGCONT)
      #expect(silent.ending == .exited(1) && silent.stdout + silent.stderr == "", "\(silent)")
      #expect(silent.duration < .seconds(20))
    }
    try libvirt.kill()
    let dead = try complete(libvirt, "backup-info", "x")
    #expect(dead.ending == .exited(1) && dead.stdout == "", "\(dead)")
  }
}
