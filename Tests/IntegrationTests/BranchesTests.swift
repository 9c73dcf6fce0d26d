// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing

/// Chains that are no straight line, and points deleted from them.
struct BranchesTests {
  /// Changes both disks, elsewhere each time and over what was there.
  private func change(_ history: History, _ number: UInt8) throws {
    for target in ["vda", "vdb"] {
      try history.domain.write(target, "write -P \(number) 1M 64k")
      try history.domain.write(target, "write -P \(number) \(2 << 20 | Int(number) << 16) 4k")
      try history.domain.write(target, "write -z -u \(4 << 20 | Int(number) << 16) 64k")
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `points of every kinship are restored, and so is what remains after a delete`(
    mode: LibvirtMode
  ) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    let domain = history.domain
    for target in ["vda", "vdb"] { try domain.write(target, "write -P 0xff 0 8M") }
    try history.backUp("f")
    for number in UInt8(1)...3 {
      try change(history, number)
      let info = try history.backUp("d\(number)", "--parent", "f")
      #expect(info.type == "differential")
      #expect(info.disk("vda")?.parent == "f")
      #expect(info.disk("vdb")?.parent == "f")
    }
    for (number, name) in [(UInt8(4), "a1"), (5, "a2")] {
      try change(history, number)
      let info = try history.backUp(name, "--diskspec", "vda")
      #expect(info.targets == ["vda"])
      #expect(info.disk("vda")?.parent == (name == "a1" ? "d3" : "a1"))
    }
    try change(history, 6)
    let both = try history.backUp("both")
    #expect(both.type == "incremental")
    #expect(both.disk("vda")?.parent == "a2")
    #expect(both.disk("vdb")?.parent == "d3")
    // A parent that was named can be named again after all this.
    let late = try history.backUp("d4", "--parent", "f")
    #expect(late.reasons == [])

    try change(history, 7)
    #expect(try history.backUp("g", "--full").reasons == ["vda requested", "vdb requested"])
    try change(history, 8)
    #expect(try history.backUp("h").disk("vda")?.parent == "g")
    try history.run("backup-delete", "h").expectSuccess()
    history.drop(["h"])
    try change(history, 9)
    #expect(try history.backUp("i").reasons == ["vda base_deleted", "vdb base_deleted"])
    try expect(history.listed(), history.points)
    try expect(history.differences(), [])

    try expectDeletes(history)
  }

  /// Deletes descendants, then all of the first branch, then everything.
  private func expectDeletes(_ history: History) throws {
    let output = try history.run("backup-delete", "d3", "--children-only").expectSuccess().stdout
    #expect(output.contains("Domain backup d3 children deleted"))
    history.drop(["a1", "a2", "both"])
    try expect(history.listed(), history.points)
    try expect(history.storedDifferences(), [])
    try expect(history.differences(of: ["d4", "i"]), [])

    try history.run("backup-delete", "f", "--children").expectSuccess()
    history.drop(["f", "d1", "d2", "d3", "d4"])
    #expect(history.points == ["g", "i"])
    try expect(history.listed(), history.points)
    let stem = "\(history.domain.name)."
    #expect(
      try history.pool.files()
        == history.points.flatMap { point in
          ["backup.xml", "vda.qcow2", "vdb.qcow2"].map { "\(stem)\(point).\($0)" }
        })
    try expect(history.storedDifferences(), [])
    // What is left goes on.
    try change(history, 10)
    #expect(try history.backUp("j").reasons == [])
    try expect(history.differences(of: ["j"]), [])

    for point in ["j", "i", "g"] { try history.run("backup-delete", point).expectSuccess() }
    try expect(history.pool.files(), [])
    let bitmaps = try history.domain.ourBitmaps()
    #expect(bitmaps == [])
    let leftovers = try history.domain.leftovers()
    #expect(leftovers == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `after the delete of a differential the next point stands on its parent`(
    mode: LibvirtMode
  ) throws {
    let history = try History(PrivateLibvirt.shared(mode))
    defer { history.remove() }
    for target in ["vda", "vdb"] { try history.domain.write(target, "write -P 0xff 0 8M") }
    try history.backUp("f")
    for number in UInt8(1)...2 {
      try change(history, number)
      try history.backUp("d\(number)", "--parent", "f")
    }
    try history.run("backup-delete", "d2").expectSuccess()
    history.drop(["d2"])
    try change(history, 3)
    let info = try history.backUp("i")
    #expect(info.reasons == [])
    #expect(info.disk("vda")?.parent == "f")
    try expect(history.differences(), [])
  }
}
