// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Neither place, nor times, nor names say what a store holds.
struct MovedStoreTests {
  /// Copies the pool's files as the daemon's user, with new times, and removes the pool.
  private func move(_ history: History) throws -> String {
    let libvirt = history.libvirt
    let directory = try libvirt.makeDirectory("moved")
    let sources = try history.pool.files().map(history.pool.path)
    let command = libvirt.clientPrefix + ["cp"] + sources + [directory]
    try Command.run(command[0], Array(command.dropFirst())).expectSuccess()
    history.pool.remove()
    return directory
  }

  @Test(arguments: LibvirtMode.available)
  func `a copy of the pool's directory is as good as the pool`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", .raw, size: 8 << 20)])
    defer { history.remove() }
    // The names sort against time.
    for number in 0...12 {
      for target in ["vda", "vdb"] {
        try history.domain.write(target, "write -P \(number + 1) \(number * 500)k 700k")
      }
      try history.backUp("p\(90 - number)")
    }
    let directory = try move(history)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).map {
      "\(directory)/\($0)"
    }
    #expect(files.count == 13 * 3)
    // The oldest documents seem the newest.
    for (number, point) in history.points.enumerated() {
      let age = "\(1 + number) hours ago"
      for file in files where file.contains(".\(point).") {
        try Command.run("touch", ["-d", age, file]).expectSuccess()
      }
    }

    try expect(history.listed(in: directory), history.points)
    let newest = try history.info(nil, in: directory)
    #expect(newest.name == "p78")
    #expect(newest.parent == "p79")
    #expect(newest.disk("vda")?.path.hasPrefix("\(directory)/") == true)
    try expect(history.differences(of: ["p90", "p84", "p78"], in: directory), [])
    // The chain goes on there.
    try history.domain.write("vda", "write -P 0x77 0 100k")
    let next = try history.backUp("p77", into: directory)
    #expect(next.reasons == [])
    #expect(next.parent == "p78")
    try expect(history.differences(of: ["p77"], in: directory), [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a clock that was set back changes no order`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    for number in 0...2 {
      try history.domain.write("vda", "write -P \(number + 1) \(number)M 1500k")
      try history.backUp("p\(number)")
      // As if the clock had been an hour ahead of what it shows the next time.
      let manifest = history.pool.path("\(history.domain.name).p\(number).backup.xml")
      let text = try String(contentsOfFile: manifest, encoding: .utf8)
      let time = try #require(text.firstMatch(of: /<creationTime>(\d+)<\/creationTime>/))
      let ahead = try #require(Int(time.1)) + 3600 * (3 - number)
      // Written in place: owner and mode stay.
      let file = try FileHandle(forWritingTo: URL(filePath: manifest))
      try file.truncate(atOffset: 0)
      try file.write(
        contentsOf: Data(
          text.replacing(time.0, with: "<creationTime>\(ahead)</creationTime>").utf8))
      try file.close()
    }
    let info = try history.info(nil)
    #expect(info.name == "p2")
    try expect(history.listed(), ["p0", "p1", "p2"])
    try history.domain.write("vdb", "write -P 9 5M 100k")
    let next = try history.backUp("p3")
    #expect(next.parent == "p2")
    #expect(next.reasons == [])
    #expect(try history.info(nil).name == "p3")
    try expect(history.differences(), [])
    try history.run("backup-delete", "p3").expectSuccess()
    try expect(history.listed(), ["p0", "p1", "p2"])
  }
}
