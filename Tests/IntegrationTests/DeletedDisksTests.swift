// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Single disks deleted from points.
struct DeletedDisksTests {
  private static func make(_ mode: LibvirtMode, _ count: Int) throws -> History {
    try History(PrivateLibvirt.shared(mode)) { history in
      for number in 0..<count {
        for target in ["vda", "vdb"] {
          try history.domain.write(target, "write -P \(number + 1) \(number)M 2M")
        }
        try history.backUp("p\(number)")
      }
    }
  }

  private static func expectWhole(_ history: History, _ when: String) throws {
    #expect(try history.listed() == history.points, "\(when)")
    #expect(try history.storedDifferences() == [], "\(when)")
    for point in history.points {
      #expect(
        try history.info(point).targets == history.references[point]?.keys.sorted(), "\(when)")
    }
    let volumes = try history.pool.files().filter { $0.hasSuffix(".qcow2") }
    #expect(
      volumes.count == history.points.compactMap { history.references[$0]?.count }.reduce(0, +),
      "\(when): \(volumes)")
  }

  @Test(arguments: LibvirtMode.available)
  func `the data of one disk goes, and every other is what it was`(mode: LibvirtMode) throws {
    let history = try Self.make(mode, 4)
    defer { history.remove() }
    func delete(_ more: String...) throws -> String {
      try Program.run(
        history.libvirt,
        ["backup-delete", history.domain.name] + more
          + ["--pool", history.pool.name]
      ).expectSuccess().stdout
    }
    #expect(
      try delete("p1", "--diskspec", "vda").contains("Disk 'vda' of domain backup p1 deleted"))
    history.drop("vda", of: "p1")
    try Self.expectWhole(history, "after vda of p1")
    #expect(try history.info("p2").disk("vda")?.parent == "p0")
    #expect(try history.info("p2").disk("vdb")?.parent == "p1")

    #expect(try delete("p1", "--diskspec", "vdb").contains("Domain backup p1 deleted"))
    history.drop("vdb", of: "p1")
    try Self.expectWhole(history, "after the last disk of p1")

    let output = try delete("p2", "--children", "--diskspec", "vdb")
    #expect(output.contains("Disk 'vdb' of domain backup p3 deleted"))
    #expect(output.contains("Disk 'vdb' of domain backup p2 deleted"))
    for point in ["p2", "p3"] { history.drop("vdb", of: point) }
    try Self.expectWhole(history, "after vdb of p2 and its children")
    try expect(history.differences(), [])

    // The disk's next backup stands on what is left, or on nothing.
    try history.domain.write("vdb", "write -P 0x77 5M 64k")
    try history.domain.write("vda", "write -P 0x78 5M 64k")
    try history.backUp("next")
    #expect(try history.info("next").disk("vda")?.parent == "p3")
    try Self.expectWhole(history, "after the next backup")
    try expect(history.differences(of: ["next"]), [])
  }

  @Test func `a disk that is not in the backup is refused`() throws {
    let history = try Self.make(.session, 1)
    defer { history.remove() }
    let result = try history.run("backup-delete", "p0", "--diskspec", "vdc")
    #expect(result.status == 1)
    #expect(result.stderr.contains("error: backup 'p0' has no disk named 'vdc'"))
    try Self.expectWhole(history, "after the refusal")
  }

  @Test(arguments: LibvirtMode.available)
  func `whatever is killed, no disk is lost that stays`(mode: LibvirtMode) throws {
    let history = try Self.make(mode, 4)
    defer { history.remove() }
    func delete(
      _ point: String, _ disk: String, _ environment: [String: String] = [:]
    ) throws -> CommandResult {
      try Program.run(
        history.libvirt,
        [
          "backup-delete", history.domain.name, point, "--diskspec", disk, "--pool",
          history.pool.name,
        ], environment: environment)
    }
    var call = 5
    for (point, disk) in [("p0", "vda"), ("p2", "vdb"), ("p1", "vda")] {
      history.drop(disk, of: point)
      var kills = 0
      while try history.info(point).disk(disk) != nil, kills < 8 {
        kills += 1
        _ = try delete(point, disk, kills < 5 ? ["VIRSH_BACKUP_KILL_AT": "\(call)"] : [:])
        call = call % 60 + 9
        #expect(try history.storedDifferences() == [], "after a kill in \(point), \(disk)")
      }
      // A delete that was killed late is ended by the same command, whose work is done by that.
      if try history.pool.files().contains(where: { $0.hasSuffix(".partial.xml") }) {
        let output = try delete(point, disk).expectSuccess().stdout
        #expect(output.contains("Disk '\(disk)' of domain backup \(point) deleted"), "\(output)")
      }
      _ = try history.run("backup-jobinfo").expectSuccess()
      _ = try history.run("backup-jobinfo").expectSuccess()
      try Self.expectWhole(history, "after \(disk) of \(point)")
      #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    }
    try expect(history.differences(), [])
  }
}
