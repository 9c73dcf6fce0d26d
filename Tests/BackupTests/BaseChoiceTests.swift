// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Testing

@testable import Backup
@testable import BackupCore

/// On what a disk's next backup stands, and why on nothing.
struct BaseChoiceTests {
  @Test
  func `the first backup is full, the next stands on it`() throws {
    var world = World(.init("vda"))
    #expect(try world.reasons() == ["vda": "first"])
    #expect(throws: BackupError.self) { try world.plan(.init(isIncremental: true)) }
    let point = try world.make("p1")
    let plan = try world.plan()
    let disk = plan.manifest.disks[0]
    #expect(disk.mode == .incremental && disk.reason == nil && !disk.isDifferential)
    #expect(disk.parent == point.uuid && plan.manifest.parent == point.uuid)
    #expect(plan.disks[0].expectedBytes == 65536)
    #expect(
      plan.disks[0].bases == [
        .init(node: "libvirt-1-format", name: "virsh-backup.\(point.chain).\(point.uuid).vda")
      ])
  }

  @Test
  func `a full is made when asked for`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    try world.make("p1")
    #expect(try world.reasons(.init(isFull: true)) == ["vda": "requested", "vdb": "requested"])
    #expect(
      try world.reasons(.init(disks: [.init(name: "vda", isFull: true), .init(name: "vdb")]))
        == ["vda": "requested", "vdb": "incremental"])
    #expect(
      try world.reasons(
        .init(isFull: true, disks: [.init(name: "vda", isIncremental: true), .init(name: "vdb")]))
        == ["vda": "incremental", "vdb": "requested"])
  }

  @Test
  func `a chain ends when it is long, and says before how long it is`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    try world.make("p58")
    try world.lengthen(to: 58)
    #expect(try world.plan().longChain == nil)
    try world.make("p59")
    let told = try #require(try world.plan().longChain)
    #expect(told.contains("60 backups now") && told.contains("backup-prune shortens it"), "\(told)")
    try world.lengthen(to: 149)
    #expect(try world.reasons() == ["vda": "incremental"])
    try world.make("p150")
    #expect(try world.reasons() == ["vda": "chain_long"])
    #expect(throws: BackupError.self) { try world.plan(.init(isIncremental: true)) }
    #expect(throws: BackupError.self) { try world.plan(.init(parent: "p150")) }
    // What is not a point makes no chain longer.
    #expect(try world.session(.init(parent: "p150")).disks[0].reason == nil)
    try world.make("p151")
    let next = try world.plan()
    #expect(next.manifest.disks[0].mode == .incremental && next.longChain == nil)
  }

  @Test
  func `a disk that no point has is new`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    world.disks.append(.init("vdb", index: 2))
    let plan = try world.plan()
    #expect(plan.manifest.disks.map(\.reasonCode) == [nil, "new_disk"])
    #expect(plan.manifest.disks[1].reason == "disk added since p1")
    #expect(try world.reasons(.init(parent: "p1")) == ["vda": "incremental", "vdb": "new_disk"])
  }

  @Test
  func `a bitmap that is not there is missing, or lost where the format keeps none`() throws {
    var world = World(.init("vda"), .init("vdb", "raw", index: 2), .init("vdc", index: 3))
    world.disks[2].compat = "0.10"
    try world.make("p1")
    for place in world.disks.indices { world.disks[place].layers[0].bitmaps = [] }
    #expect(
      try world.reasons()
        == ["vda": "bitmap_missing", "vdb": "bitmap_lost", "vdc": "bitmap_lost"])
    #expect(
      try world.plan().manifest.disks[1].reason == "domain restarted, raw keeps none")
    world.disks[0].snapshots = ["s1"]
    #expect(try world.reasons()["vda"] == "internal_snapshots")
  }

  @Test
  func `a plain job copies all of a disk with a thread of its own, unless the guest stands still`()
    throws
  {
    var world = World(.init("vda"), .init("vdb", index: 2))
    world.disks[1].driver = " iothread='1'"
    try world.make("p1")
    func reasons(isProtected: Bool = false) throws -> [String?] {
      try world.plan(isProtected: isProtected).manifest.disks.map(\.reasonCode)
    }
    #expect(try reasons(isProtected: true) == [nil, nil])
    #expect(try reasons() == [nil, "unprotected_thread"])
    #expect(try world.plan(isProtected: false).disks.allSatisfy { $0.bitmap != nil })
    world.support.suspends = true
    #expect(try reasons() == [nil, nil])
  }

  @Test
  func `a shareable disk is always full and records nothing`() throws {
    var world = World(.init("vda"), .init("vdb", "raw", index: 2))
    world.disks[1].flags = "<shareable/>"
    try world.make("p1")
    #expect(try world.reasons() == ["vda": "incremental", "vdb": "shared"])
    #expect(try world.reasons(.init(isFull: true)) == ["vda": "requested", "vdb": "shared"])
    #expect(try world.plan().disks.map { $0.bitmap == nil } == [false, true])
    for options in [
      CreateOptions(isIncremental: true), CreateOptions(parent: "p1"),
      CreateOptions(disks: [.init(name: "vdb", isIncremental: true)]),
    ] {
      let error = #expect(throws: BackupError.self) { try world.plan(options) }
      #expect(error?.description.contains("'vdb' cannot be backed up incrementally") == true)
    }
  }

  @Test(arguments: [
    (BlockDirtyInfo(name: "x", inconsistent: true), "bitmap_inconsistent"),
    (BlockDirtyInfo(name: "x", recording: false), "bitmap_missing"),
    (BlockDirtyInfo(name: "x", busy: true), "bitmap_missing"),
  ])
  func `a bitmap that is not whole is not used`(bitmap: BlockDirtyInfo, code: String) throws {
    var world = World(.init("vda"))
    try world.make("p1")
    var bitmap = bitmap
    bitmap.name = world.disks[0].layers[0].bitmaps[0].name
    world.disks[0].layers[0].bitmaps = [bitmap]
    #expect(try world.reasons() == ["vda": code])
    #expect(throws: BackupError.self) { try world.plan(.init(isIncremental: true)) }
    #expect(throws: BackupError.self) { try world.plan(.init(parent: "p1")) }
  }

  @Test
  func `swapped images are changed images`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    try world.make("p1")
    let bitmaps = world.disks[0].layers[0].bitmaps
    world.disks[0].layers[0].bitmaps = world.disks[1].layers[0].bitmaps
    world.disks[1].layers[0].bitmaps = bitmaps
    #expect(try world.reasons() == ["vda": "image_changed", "vdb": "image_changed"])
  }

  @Test
  func `a disk may grow but not shrink`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    world.disks[0].size += 512
    #expect(try world.reasons() == ["vda": "incremental"])
    world.disks[0].size -= 1024
    #expect(try world.reasons() == ["vda": "disk_shrunk"])
  }

  @Test
  func `a raw block device that grew is full, for nobody knows what stood in the new part`() throws
  {
    var world = World(.init("vda", "raw"))
    world.disks[0].isBlockDevice = true
    try world.make("p1")
    #expect(try world.reasons() == ["vda": "incremental"])
    world.disks[0].size += 1 << 20
    #expect(try world.reasons() == ["vda": "image_changed"])
    // In an image, and in a file, a new part is empty.
    world.disks[0].isBlockDevice = false
    world.repository = FakeRepository()
    try world.make("p2")
    world.disks[0].size += 1 << 20
    #expect(try world.reasons() == ["vda": "incremental"])
  }

  @Test
  func `a parent without its data is no parent`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    try world.make("p1")
    try world.make("p2")
    world.repository.delete("web1.p1.vda.qcow2")
    // Deep in the chain counts as well.
    #expect(try world.reasons() == ["vda": "base_missing", "vdb": "incremental"])
    #expect(try world.plan().manifest.disks[0].reason == "p2's volume is gone")
  }

  @Test
  func `a deleted base and forgotten bitmaps are told apart`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    try world.make("p2")
    world.disks[0].layers[0].bitmaps.removeFirst()
    world.repository.delete("web1.p2.backup.xml")
    #expect(try world.reasons() == ["vda": "base_deleted"])
    world.disks[0].layers[0].bitmaps = []
    world.repository.put("web1.p1.forgotten", World.domainUUID + "\n")
    #expect(try world.reasons() == ["vda": "forgotten"])
    world.repository.put("web1.p1.forgotten", World.makeUUID(0xbad) + "\n")
    #expect(try world.reasons() == ["vda": "bitmap_missing"])
  }

  @Test
  func `with no point left a bitmap still tells of a deleted one`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    try world.make("p2", .init(disks: [.init(name: "vda")]))
    world.repository.delete("web1.p1.backup.xml")
    world.repository.delete("web1.p2.backup.xml")
    #expect(try world.reasons() == ["vda": "first"], "another chain begins")
  }

  @Test
  func `a disk that was left out stands on the last point that has it`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    let first = try world.make("p1")
    let second = try world.make("p2", .init(disks: [.init(name: "vda")]))
    let disks = try world.plan().manifest.disks
    #expect(disks.map(\.parent) == [second.uuid, first.uuid])
    #expect(try world.plan().manifest.parent == second.uuid, "the newest is shown")
  }

  @Test
  func `a named parent makes a differential`() throws {
    var world = World(.init("vda"))
    let full = try world.make("p1")
    try world.make("p2")
    for name in ["p1", full.uuid, full.uuid.uppercased()] {
      let disk = try world.plan(.init(parent: name)).manifest.disks[0]
      #expect(disk.parent == full.uuid && disk.isDifferential)
    }
    let disk = try world.plan(.init(disks: [.init(name: "vda", parent: "p1")])).manifest.disks[0]
    #expect(disk.parent == full.uuid && disk.isDifferential)
    let error = #expect(throws: BackupError.self) { try world.plan(.init(parent: "p9")) }
    #expect(error?.code == .notFound)
    world.disks[0].layers[0].bitmaps.removeFirst()
    let refused = #expect(throws: BackupError.self) { try world.plan(.init(parent: "p1")) }
    #expect(refused?.description.contains("recorded up to the next backup only") == true)
  }

  @Test
  func `points of another domain are no parents`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    world.uuid = World.makeUUID(0xee)
    #expect(try world.reasons() == ["vda": "first"])
    #expect(throws: BackupError.self) { try world.plan(.init(parent: "p1")) }
    #expect(throws: BackupError.self) { try world.plan(.init(name: "p1")) }
  }
}
