// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What clients of NBD sessions read.
struct SessionTests {
  @Test(arguments: LibvirtMode.available)
  func `clients of a session read the instant of its start while the guest writes`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode), counting: true)
    defer { scene.remove() }
    let guest = try #require(scene.domain.guest)
    let directory = scene.domain.directory
    try guest.awaitWrites(400)
    // The guest makes four writes for each number.
    let before = guest.report().good / 4
    let session = try scene.startSession("s1")
    let after = guest.report().good / 4 + 1
    try guest.awaitWrites(400)
    for disk in ["vda", "vdb"] { try session.copy(disk, to: "\(directory)/\(disk).nbdcopy") }
    try guest.awaitWrites(400)
    for disk in ["vda", "vdb"] {
      try session.convert(disk, to: "\(directory)/\(disk).convert")
      try Command.run("cmp", ["nbdcopy", "convert"].map { "\(directory)/\(disk).\($0)" })
        .expectSuccess()
      #expect(try session.disk(disk).size == 8 << 20 && session.disk(disk).bitmap == nil)
    }
    let first = try CounterGuest.counter(in: "\(directory)/vda.convert", .raw)
    let second = try CounterGuest.counter(in: "\(directory)/vdb.convert", .raw)
    #expect(first - second <= 1)
    #expect((before - 1...after).contains(Int(second)), "\(before) \(second) \(after)")
    try scene.finishSession()
    try guest.awaitWrites(100)
    #expect(guest.report().failed == 0)
    try scene.expectNoSessions()
    #expect(try scene.recordedSessions() == ["s1"])
    try scene.finishSession("--forget")
    #expect(try scene.domain.ourBitmaps() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `ten sessions in a chain tell all that changed, and not all of the disk`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", .raw, size: 8 << 20)],
      start: .paused)
    defer { scene.remove() }
    let domain = scene.domain
    let copies = domain.directory
    var parent: String?
    for round in 1...10 {
      let name = "s\(round)"
      if round == 6 { try domain.destroy() }
      if round == 4 {
        try domain.destroy()
        try domain.start(paused: true)
      }
      if domain.isActive {
        for disk in ["vda", "vdb"] { try change(disk, of: domain, round) }
      }
      let expected = try domain.save()
      let session = try scene.startSession(name, arguments: parent.map { ["--parent", $0] } ?? [])
      #expect(session.parent == parent)
      if domain.isActive {
        // What is written during a session belongs to the next.
        for disk in ["vda", "vdb"] { try domain.write(disk, "write -P \(round + 100) 3M 100k") }
      }
      for (disk, reference) in expected {
        let read = try session.update(disk, in: "\(copies)/\(disk).copy")
        let difference = try reference.difference(from: "\(copies)/\(disk).copy", format: .raw)
        #expect(difference == nil, "session \(name)")
        // A raw disk's bitmap goes with its QEMU.
        let isKnown = round > 1 && (disk == "vda" || ![4, 6, 7].contains(round))
        #expect((read != nil) == isKnown, "\(disk) of \(name): \(session.notices)")
        if let read { #expect(read < 2 << 20, "\(disk) of \(name)") }
      }
      // The copy of a reader that failed is no base for the next.
      try scene.finishSession(arguments: round == 8 ? ["--failed"] : [])
      if round == 6 { try domain.start(paused: true) }
      try scene.expectNoSessions("after \(name)")
      if round != 8 { parent = name }
      #expect(try scene.recordedSessions() == [parent ?? ""], "after \(name)")
      if round == 7 { try keep(copies, as: "kept") }
      if round == 8 { try keep(copies, from: "kept", as: "copy") }
    }
  }

  /// Writes, zeroes and discards, elsewhere in each round.
  private func change(_ disk: String, of domain: TestDomain, _ round: Int) throws {
    try domain.write(disk, "write -P \(round) \(round * 500)k 70k")
    try domain.write(disk, "write -P \(round + 20) \(round * 3)k 512")
    try domain.write(disk, "write -z \(round * 500 + 200)k 64k")
    if round > 1 {
      try domain.write(disk, "write -z -u \((round - 1) * 500)k 20k")
      try domain.write(disk, "discard \(round * 448)k 192k")
    }
    try domain.write(disk, "write -P \(round + 40) 7M 300k")
  }

  /// Copies the copies of both disks.
  private func keep(_ directory: String, from: String = "copy", as name: String) throws {
    for disk in ["vda", "vdb"] {
      try Command.run("cp", ["\(directory)/\(disk).\(from)", "\(directory)/\(disk).\(name)"])
        .expectSuccess()
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `a map of many islands is told completely`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    // Islands of 64 KiB, every second one dirty: 50,000 on each disk.
    let size: UInt64 = 100_000 << 16
    let disks = ["vda", "vdb"].map { TestDisk($0, size: size) }
    let scene = try Scene(libvirt, disks: disks, start: .off)
    defer { scene.remove() }
    try scene.startSession("s1").expectWhole(size)
    try scene.finishSession()
    // Zeroes into an empty image: they count, and cost no data.
    for disk in ["vda", "vdb"] {
      try Command.run(
        PrivateLibvirt.file("nbd-reader"),
        ["scatter", try scene.domain.path(disk), "50000", "\(1 << 17)"]
      ).expectSuccess()
    }
    try scene.domain.start()
    let session = try scene.startSession("s2", "--parent", "s1")
    let expected = (0..<50_000).map { [UInt64($0) << 17, 65536] }
    for disk in ["vda", "vdb"] {
      #expect(try session.map(disk) == expected)
      let known = try session.disk(disk)
      let lines = try libvirt.runReader(
        PrivateLibvirt.file("nbd-reader"), ["map", known.uri, try #require(known.bitmap)]
      ).expectSuccess().stdout.split(separator: "\n")
      #expect(lines.count == expected.count)
    }
    try scene.finishSession("--forget")
    try scene.expectNoSessions()
    #expect(try scene.domain.ourBitmaps() == [])
  }
}

extension NBDSession {
  /// Expects that all of two disks counts.
  fileprivate func expectWhole(_ size: UInt64) {
    #expect(disks.values.allSatisfy { $0.size == size && $0.bitmap == nil })
    #expect(disks.count == 2)
  }
}

extension TestDomain {
  /// Whether QEMU runs.
  fileprivate var isActive: Bool { (try? state()) != "shut off" }
}
