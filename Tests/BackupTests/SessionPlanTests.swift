// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Testing

@testable import Backup
@testable import BackupCore

/// What a session exports, and under which names.
struct SessionPlanTests {
  @Test
  func `all disks are exported under their target names, all of them without a parent`() throws {
    let plan = try World(.init("vda"), .init("vdb", "raw", index: 2)).session(SessionOptions())
    #expect(plan.disks.map(\.export) == ["vda", "vdb"])
    #expect(plan.disks.map(\.view.changes) == ["backup-vda", "backup-vdb"])
    #expect(plan.disks.allSatisfy { $0.view.bases.isEmpty && $0.reason == nil })
    #expect(plan.view.selectChanges == nil)
    #expect(plan.name == "20261123T021320Z")
    #expect(
      plan.disks.map(\.view.scratchVolume)
        == ["vda", "vdb"].map { "web1.\(plan.name).\($0).scratch.qcow2" })
  }

  @Test
  func `a disk's own bitmap outlives QEMU where the image can keep it`() throws {
    let plan = try World(.init("vda"), .init("vdb", "raw", index: 2)).session(
      SessionOptions(name: "s1"))
    let names = plan.disks.compactMap {
      $0.view.bitmap.flatMap(SessionBitmapName.init(parsing:))
    }
    #expect(names.map(\.session) == ["s1", "s1"] && names.map(\.disk) == ["vda", "vdb"])
    let command = try #require(plan.view.startRecording)
    guard case .array(let actions) = command.arguments["actions"] else {
      Issue.record("\(command.json)")
      return
    }
    #expect(actions.map { $0["data"]?["persistent"] } == [true, false])
  }

  @Test
  func `what changed since a finished session is selected on the view`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    let first = try world.finishSession(.init(name: "s1"))
    let plan = try world.session(SessionOptions(name: "s2", parent: "s1"))
    #expect(
      plan.disks.map(\.view.bases) == [
        [.init(node: "libvirt-1-format", name: try #require(first.disks[0].view.bitmap))],
        [.init(node: "libvirt-2-format", name: try #require(first.disks[1].view.bitmap))],
      ])
    let command = try #require(plan.view.selectChanges).json
    for disk in plan.disks { #expect(command.contains(disk.view.names.view)) }
    #expect(command.contains(#""disabled":true"#) && command.contains(#""persistent":false"#))
  }

  @Test
  func `what changed since a backup is selected too`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    let plan = try world.session(SessionOptions(parent: "p1"))
    #expect(plan.disks[0].view.bases.map(\.node) == ["libvirt-1-format"])
    #expect(plan.disks[0].view.bases.map(\.name) == world.disks[0].layers[0].bitmaps.map(\.name))
  }

  @Test
  func `a disk may have another parent, or none`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2), .init("vdc", index: 3))
    try world.finishSession(.init(name: "s1"))
    try world.finishSession(.init(name: "s2"))
    let plan = try world.session(
      SessionOptions(
        parent: "s2",
        disks: [
          .init(name: "vda", parent: "s1"), .init(name: "vdb", isFull: true), .init(name: "vdc"),
        ]))
    let parents = plan.disks.map { disk in
      disk.view.bases.compactMap { SessionBitmapName(parsing: $0.name)?.session }
    }
    #expect(parents == [["s1"], [], ["s2"]])
  }

  @Test
  func `a disk the parent did not have counts as a whole, and the reason is told`() throws {
    var world = World(.init("vda"))
    try world.finishSession(.init(name: "s1"))
    world.disks.append(.init("vdb", index: 2))
    world.disks.append(.init("vdc", "raw", index: 3))
    let plan = try world.session(SessionOptions(parent: "s1"))
    #expect(plan.disks.map(\.view.bases.isEmpty) == [false, true, true])
    #expect(plan.disks.map(\.reason?.code) == [nil, "new_disk", "bitmap_lost"])
  }

  @Test(arguments: ["nobody", "s2"])
  func `a parent that is unknown is refused`(parent: String) throws {
    var world = World(.init("vda"))
    try world.finishSession(.init(name: "s1"))
    let error = #expect(throws: BackupError.self) {
      try world.session(SessionOptions(name: "s2", parent: parent))
    }
    #expect(error?.code == .notFound)
    #expect(error?.description.contains("'\(parent)'") == true, "\(error?.description ?? "")")
  }

  @Test
  func `a name that a session or a backup has is refused`() throws {
    var world = World(.init("vda"))
    try world.finishSession(.init(name: "s1"))
    try world.make("p1")
    world.repository.put("web1.s2.partial.xml", "")
    world.repository.put("web1.s3.vda.scratch.qcow2", "")
    for name in ["s1", "p1", "s2", "s3"] {
      let error = #expect(throws: BackupError.self) {
        try world.session(SessionOptions(name: name))
      }
      #expect(error?.code == .exists, "\(name)")
    }
    let impossible = #expect(throws: BackupError.self) {
      try world.session(SessionOptions(name: "../x"))
    }
    #expect(impossible?.code == .invalid)
    // And the time, where that is taken.
    let time = try world.session(SessionOptions()).name
    try world.finishSession(.init(name: time))
    world.time -= 1
    #expect(try world.session(SessionOptions()).name == "\(time)-2")
  }

  @Test
  func `names of exports and bitmaps are the user's`() throws {
    let plan = try World(.init("vda")).session(
      SessionOptions(exports: ["vda": .init(name: "disk 1", bitmap: "changed")]))
    #expect(plan.disks[0].export == "disk 1" && plan.disks[0].view.changes == "changed")
  }

  @Test
  func `two disks cannot have one export`() {
    let world = World(.init("vda"), .init("vdb", index: 2))
    for exports: [String: SessionOptions.Export] in [
      ["vda": .init(name: "x"), "vdb": .init(name: "x")], ["vda": .init(name: "vdb")],
    ] {
      let error = #expect(throws: BackupError.self) {
        try world.session(SessionOptions(exports: exports))
      }
      #expect(error?.description.contains("two disks would be exported as") == true)
    }
  }

  @Test(arguments: ["a\nb", "\u{0}", String(repeating: "x", count: 1001)])
  func `a name NBD could not carry is refused`(name: String) {
    for export in [SessionOptions.Export(name: name), .init(bitmap: name)] {
      let error = #expect(throws: BackupError.self) {
        try World(.init("vda")).session(SessionOptions(exports: ["vda": export]))
      }
      #expect(error?.code == .invalid)
    }
  }
}

/// What says what changed, over external snapshots.
struct SessionBaseTests {
  /// A disk with a finished session, and an overlay put over it as libvirt does.
  private static func world() throws -> World {
    var world = World(.init("vda"))
    try world.finishSession(.init(name: "s1"))
    world.disks[0].layers.insert(
      .init(path: "/images/s1", index: 2, bitmaps: world.disks[0].layers[0].bitmaps), at: 0)
    return world
  }

  private func bases(of world: World) throws -> [String] {
    try world.session(SessionOptions(parent: "s1")).disks[0].view.bases.map(\.node)
  }

  private func refusal(of world: World) -> String? {
    #expect(throws: BackupError.self) { try world.session(SessionOptions(parent: "s1")) }?
      .description
  }

  @Test
  func `the bitmaps of all layers are merged`() throws {
    #expect(
      try bases(of: SessionBaseTests.world()) == ["libvirt-2-format", "libvirt-1-format"])
  }

  @Test
  func `layers that were there before the session need none`() throws {
    var world = World(.init("vda"))
    world.disks[0].layers.append(.init(path: "/images/template", index: 2))
    try world.finishSession(.init(name: "s1"))
    #expect(try bases(of: world) == ["libvirt-1-format"])
  }

  @Test
  func `after a commit the bitmap is in the base alone`() throws {
    var world = try SessionBaseTests.world()
    world.disks[0].layers.removeFirst()
    #expect(try bases(of: world) == ["libvirt-1-format"])
  }

  @Test
  func `after a commit of the image the session was of, it is in what that was committed into`()
    throws
  {
    var world = World(.init("vda"))
    world.disks[0].layers.append(.init(path: "/images/base", index: 2))
    try world.finishSession(.init(name: "s1"))
    let overlay = world.disks[0].layers.removeFirst()
    // Not if it was not merged.
    #expect(refusal(of: world)?.contains("matching name 's1'") == true)
    world.disks[0].layers[0].bitmaps = overlay.bitmaps
    #expect(try bases(of: world) == ["libvirt-2-format"])
    // A new overlay over that: both count.
    world.disks[0].layers.insert(
      .init(path: "/images/new", index: 3, bitmaps: overlay.bitmaps), at: 0)
    #expect(try bases(of: world) == ["libvirt-3-format", "libvirt-2-format"])
    world.disks[0].layers[1].bitmaps = []
    #expect(refusal(of: world)?.contains("no bitmap") == true)
  }

  @Test
  func `one that is missing, on any layer, is missed`() throws {
    let whole = try SessionBaseTests.world()
    var below = whole
    below.disks[0].layers[1].bitmaps = []
    var above = whole
    above.disks[0].layers[0].bitmaps = []
    for world in [below, above] {
      #expect(refusal(of: world)?.contains("no bitmap") == true, "\(refusal(of: world) ?? "")")
    }
  }

  @Test
  func `one that is not whole spoils all`() throws {
    var world = try SessionBaseTests.world()
    world.disks[0].layers[1].bitmaps[0].inconsistent = true
    #expect(refusal(of: world)?.contains("not shut down cleanly") == true)
  }

  @Test
  func `one that does not record any more, or is in use, is none`() throws {
    var stopped = try SessionBaseTests.world()
    stopped.disks[0].layers[0].bitmaps[0].recording = false
    #expect(refusal(of: stopped) != nil)
    var busy = try SessionBaseTests.world()
    busy.disks[0].layers[1].bitmaps[0].busy = true
    #expect(refusal(of: busy) != nil)
  }

  @Test
  func `an image the session was not of is another one`() throws {
    var world = try SessionBaseTests.world()
    world.disks[0].layers.removeLast()
    #expect(refusal(of: world)?.contains("image is not the one") == true)
    // A copy that brought its bitmap along.
    var copy = World(.init("vda"))
    try copy.finishSession(.init(name: "s1"))
    copy.disks[0].layers[0].path = "/images/copy"
    #expect(refusal(of: copy)?.contains("image is not the one") == true)
  }
}
