// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Several points deleted in one operation.
struct DeletedRunsTests {
  /// A chain with a branch, on two disks.
  private static func make(_ mode: LibvirtMode) throws -> History {
    try History(PrivateLibvirt.shared(mode)) { history in
      for number in 0..<10 {
        for target in ["vda", "vdb"] {
          try history.domain.write(target, "write -P \(number + 1) \(number)M 2M")
          try history.domain.write(target, "write -z -u \(number)M 64k")
        }
        if number == 5 || number == 6 {
          try history.backUp("p\(number)", "--parent", "p4")
        } else {
          try history.backUp("p\(number)")
        }
      }
    }
  }

  private static func expectWhole(_ history: History, _ when: String) throws {
    #expect(try history.listed() == history.points, "\(when)")
    #expect(try history.storedDifferences() == [], "\(when)")
    let volumes = try history.pool.files()
    #expect(volumes.count == history.points.count * 3, "\(when): \(volumes)")
  }

  @Test(arguments: LibvirtMode.available)
  func `points of several runs go at once, and every other is what it was`(mode: LibvirtMode) throws
  {
    let history = try Self.make(mode)
    defer { history.remove() }
    func delete(_ points: [String], _ more: String...) throws -> String {
      try Program.run(
        history.libvirt,
        ["backup-delete", history.domain.name] + points + ["--pool", history.pool.name] + more
      ).expectSuccess().stdout
    }
    let output = try delete(["p4", "p1", "p2", "p8"])
    #expect(
      output.split(separator: "\n").map(String.init)
        == ["p8", "p4", "p2", "p1"].map { "Domain backup \($0) deleted" })
    history.drop(["p1", "p2", "p4", "p8"])
    try Self.expectWhole(history, "after p1, p2, p4 and p8")
    #expect(try history.info("p3").parent == "p0")
    #expect(try history.info("p9").parent == "p7")
    #expect(try Set(history.info("p3").children) == ["p5", "p6"])

    #expect(try delete(["p0", "p3"], "--async").contains("backups p0, p3 started"))
    try eventually("the delete is finished", within: .seconds(60)) {
      try history.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    history.drop(["p0", "p3"])
    try Self.expectWhole(history, "after p0 and p3")
    #expect(try history.info("p5").type == "full" && history.info("p6").type == "full")
    try expect(history.differences(), [])
  }
}
