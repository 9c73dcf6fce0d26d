// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Chains longer than libvirt's JSON can be deep, and domains that have such themselves.
struct LongChainTests {
  /// A daemon, and how many points a chain has there.
  struct Length: Sendable, CustomTestStringConvertible {
    var mode: LibvirtMode
    var count: Int
    var testDescription: String { "\(count), \(mode.rawValue)" }

    static var all: [Length] {
      LibvirtMode.available.map { .init(mode: $0, count: $0 == .session ? 160 : 40) }
    }
  }

  /// As many of the points of a chain as there is time for, the last one among them.
  private static func chosen(_ count: Int) -> [Int] {
    let rounds = min(Rounds.count(4), count)
    return (1...rounds).map { count * $0 / rounds - 1 }
  }

  @Test(arguments: Length.all)
  func `every point of a long chain is restored, served and deleted`(length: Length) throws {
    let chain = try LongChain(PrivateLibvirt.shared(length.mode), count: length.count)
    defer { chain.remove() }
    let scene = chain.scene
    let last = length.count - 1
    for number in Self.chosen(length.count) {
      #expect(try chain.isRestored(number), "\(number)")
    }

    let file = "\(scene.domain.directory)/copy.img"
    let session = try scene.startSession("s", "--stored", chain.name(last))
    try session.copy("vda", to: file)
    #expect(try chain.isContent(last, of: file))
    try scene.finishSession()

    // The oldest incremental, one in the middle, and the last but one.
    let deleted = [1, length.count / 2, last - 1]
    for number in deleted {
      try scene.run("backup-delete", chain.name(number)).expectSuccess()
    }
    #expect(try scene.points().count == length.count - deleted.count)
    try scene.expectNoStrays()
    for number in [2, length.count / 2 - 1, length.count / 2 + 1, last] {
      try Command.run(
        "qemu-img", ["convert", "-f", "qcow2", "-O", "raw", chain.image(number), file]
      ).expectSuccess()
      #expect(try chain.isContent(number, of: file), "\(number)")
    }
    #expect(try chain.isRestored(last))
  }

  @Test func `a chain is not continued without end`() throws {
    let chain = try LongChain(PrivateLibvirt.shared(.session), count: 150)
    defer { chain.remove() }
    let scene = chain.scene
    let refused = try scene.run("backup-create", "--incremental")
    #expect(refused.status == 1, "\(refused)")
    #expect(refused.stderr.contains("its chain has 150 backups"), "\(refused)")
    try scene.expectNoStrays()
    let full = try scene.run("backup-create", "--backupname", "full").expectSuccess().stdout
    #expect(full.contains("disk 'vda': full (its chain has 150 backups)"))
    let next = try scene.run("backup-create", "--incremental").expectSuccess().stdout
    #expect(!next.contains("chain"))
    // Deleting shortens a chain; the next backup stands on the full all the same.
    try scene.run("backup-delete", chain.name(70)).expectSuccess()
    #expect(try chain.isRestored(149))
  }

  @Test func `a long chain is told`() throws {
    let chain = try LongChain(PrivateLibvirt.shared(.session), count: 59)
    defer { chain.remove() }
    let told = try chain.scene.run("backup-create", "--incremental").expectSuccess().stdout
    #expect(told.contains("disk 'vda': its chain has 60 backups now, and no more than 150"))
  }

  @Test(arguments: LibvirtMode.available)
  func `a domain that runs on many images of its own is backed up`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 4 << 20)])
    defer { history.remove() }
    let domain = history.domain
    try domain.write("vda", "write -P 0x41 0 4M")
    try history.backUp("full")
    for number in 1...30 {
      try history.libvirt.virsh(
        "snapshot-create-as", domain.name, "--disk-only", "--no-metadata", "--diskspec",
        "vda,file=\(domain.directory)/overlay.\(number)")
      try domain.write("vda", "write -P \(number) \(number * 64)k 64k")
    }
    let info = try history.backUp("incremental")
    #expect(info.type == "incremental" && info.reasons == [])
    try domain.write("vda", "write -P 0x42 3M 64k")
    try history.backUp("next", "--incremental")
    try expect(domain.leftovers(), [])
    try expect(history.differences(), [])
  }

  @Test func `a domain runs on a long chain, or is refused where none could be started with it`()
    throws
  {
    let chain = try LongChain(PrivateLibvirt.shared(.session), count: 40)
    defer { chain.remove() }
    let scene = chain.scene
    try scene.domain.vanish()
    func runs(on number: Int) throws -> CommandResult {
      let result = try scene.run("backup-restore", chain.name(number), "--live")
      guard result.status == 0 else { return result }
      try scene.domain.destroy()
      let raw = "\(scene.domain.directory)/raw.img"
      try Command.run(
        "qemu-img", ["convert", "-O", "raw", try scene.domain.path("vda"), raw]
      ).expectSuccess()
      #expect(try chain.isContent(number, of: raw))
      try scene.domain.vanish()
      return result
    }
    #expect(try runs(on: 18).status == 0)
    let files = try scene.pool.files()
    let result = try runs(on: 39)
    if result.status != 0 {
      #expect(result.status == 1, "\(result)")
      #expect(result.stderr.contains("made of 40 backups"), "\(result)")
      #expect(result.stderr.contains("backup-delete"), "\(result)")
    }
    #expect(try scene.pool.files() == files)
    #expect(try !scene.libvirt.domainNames().contains(scene.domain.name))
    #expect(try !FileManager.default.fileExists(atPath: scene.domain.path("vda")))
  }
}
