// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What is copied while the guest writes, zeroes and discards is the instant of its beginning.
struct FrozenViewTests {
  /// A way to make a backup of a running domain.
  enum Way: String, CaseIterable {
    case full, incremental, afterRestart, zstd, fleecing, copies, unprotected
    case unprotectedIncremental, unprotectedCopies

    /// Options of `backup-create`.
    var options: [String] {
      switch self {
      case .full: ["--full"]
      case .incremental, .afterRestart:
        ["--diskspec", "vda,backupmode=incremental", "--diskspec", "vdb"]
      case .zstd: ["--full", "--compress", "zstd"]
      case .fleecing, .copies: ["--full"]
      case .unprotected, .unprotectedCopies: ["--full", "--unprotected"]
      case .unprotectedIncremental: ["--unprotected"]
      }
    }

    var isCopy: Bool { self == .copies || self == .unprotectedCopies }
  }

  private static let size: UInt64 = 8 << 20
  private static let disks = [
    TestDisk("vda", size: size), TestDisk("vdb", .raw, size: size),
  ]

  /// Returns what makes the next changes of both disks, so many of each, with discards or without.
  private static func changes(
    of domain: TestDomain, seed: UInt64
  ) -> (_ count: Int, _ hasDiscards: Bool) throws -> Void {
    var histories = disks.enumerated().map {
      GuestHistory(seed: seed + UInt64($0.offset), size: $0.element.size)
    }
    return { count, hasDiscards in
      for (number, disk) in disks.enumerated() {
        let changes = histories[number].next(count, hasDiscards: hasDiscards)
        try domain.change(disk.target, changes)
      }
    }
  }

  @Test(arguments: Way.allCases)
  func `a backup during which the guest writes, zeroes and discards is its instant`(
    way: Way
  ) throws {
    for seed in Rounds.seeds(1) { try backUp(way, seed: seed) }
  }

  private func backUp(_ way: Way, seed: UInt64) throws {
    let document = try DocumentScene(
      PrivateLibvirt.shared(.session), disks: Self.disks, start: .paused)
    defer { document.remove() }
    let scene = document.scene, domain = scene.domain
    let scratch = try Pool(scene.libvirt, name: scene.libvirt.uniqueName("scratch"))
    defer { scratch.remove() }
    let change = Self.changes(of: domain, seed: seed)
    for disk in Self.disks { try domain.write(disk.target, "write -P 0x11 0 8M") }
    if [.incremental, .afterRestart, .unprotectedIncremental].contains(way) {
      try scene.run("backup-create", "--backupname", "p0").expectSuccess()
    }
    if way == .afterRestart {
      try domain.destroy()
      try scene.run("backup-create", "--backupname", "off").expectSuccess()
      try domain.start(paused: true)
    }
    try change(40, true)

    let instant = try domain.save()
    var arguments = way.options + ["--bandwidth", "2"]
    if way == .fleecing { arguments += ["--fleecing", scratch.name] }
    if way.isCopy {
      arguments.insert(
        try document.document(
          """
          <domainbackup><disks><disk name='vda' type='file'><target file='@/a.qcow2'/></disk>
          <disk name='vdb' type='file'><driver type='raw'/><target file='@/b.raw'/></disk></disks>
          </domainbackup>
          """), at: 0)
    }
    arguments += ["--backupname", "p1"]
    let client = try Program.start(scene.libvirt, scene.arguments("backup-create", arguments))
    try scene.awaitCopy(of: "p1")
    // The filter that QEMU's own job makes swallows discards.
    try change(24, !way.rawValue.hasPrefix("unprotected"))
    try scene.setSpeed(0)
    let result = try client.wait()
    #expect(result.status == 0, "\(way) \(seed): \(result)")
    #expect(result.stdout.contains("not protected") == way.rawValue.hasPrefix("unprotected"))
    if way.isCopy {
      for (disk, file, format) in [
        ("vda", "a.qcow2", TestDisk.Format.qcow2), ("vdb", "b.raw", .raw),
      ] {
        let difference = try #require(instant[disk]).difference(
          from: document.path(file), format: format)
        #expect(difference == nil, "\(way) \(seed)")
      }
    } else {
      #expect(try scene.differences("p1", instant) == [], "\(way) \(seed)")
    }
    try scene.expectNoStrays("\(way) \(seed)")
    // What changed meanwhile is in the next one, and went through to the images.
    let later = try domain.save()
    try scene.run("backup-create", "--backupname", "p2").expectSuccess()
    #expect(try scene.differences("p2", later) == [], "\(way) \(seed)")
    try domain.destroy()
    #expect(try domain.differences() == [], "\(way) \(seed)")
  }

  /// A program that reads a session.
  enum Reader: String, CaseIterable {
    case nbdcopy, convert, plain, changes
  }

  @Test(arguments: Reader.allCases, [false, true])
  func `a session read while the guest writes, zeroes and discards is its instant`(
    reader: Reader, isProtected: Bool
  ) throws {
    for seed in Rounds.seeds(1) { try read(by: reader, isProtected: isProtected, seed: seed) }
  }

  private func read(by reader: Reader, isProtected: Bool, seed: UInt64) throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: Self.disks, start: .paused)
    defer { scene.remove() }
    let domain = scene.domain
    let change = Self.changes(of: domain, seed: seed)
    let copies = domain.directory
    for disk in Self.disks { try domain.write(disk.target, "write -P 0x11 0 8M") }
    var options = isProtected ? [] : ["--unprotected"]
    if reader == .changes {
      let session = try scene.startSession("s0")
      for disk in Self.disks { try session.copy(disk.target, to: "\(copies)/\(disk.target).copy") }
      try scene.finishSession()
      options += ["--parent", "s0"]
    }
    try change(40, true)
    let instant = try domain.save()
    let session = try scene.startSession("s1", arguments: options)
    try change(24, isProtected)
    for disk in Self.disks {
      let copy = "\(copies)/\(disk.target).copy"
      switch reader {
      case .nbdcopy: try session.copy(disk.target, to: copy)
      case .convert: try session.convert(disk.target, to: copy)
      case .plain: try session.readPlainly(disk.target, to: copy)
      case .changes: #expect(try session.update(disk.target, in: copy) != nil)
      }
      let difference = try #require(instant[disk.target]).difference(from: copy, format: .raw)
      #expect(difference == nil, "\(reader) \(isProtected) \(seed)")
    }
    #expect(try scene.sessionState() == "s1 running")
    try scene.finishSession()
    try scene.expectNoSessions("\(reader) \(isProtected) \(seed)")
    try domain.destroy()
    #expect(try domain.differences() == [], "\(reader) \(isProtected) \(seed)")
  }
}
