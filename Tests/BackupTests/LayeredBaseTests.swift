// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import QMP
import Testing

@testable import Backup
@testable import BackupCore

/// Disks whose active layer changed since a point.
struct LayeredBaseTests {
  /// A disk with a point, and an overlay put over it as libvirt does.
  private static func world() throws -> World {
    var world = World(.init("vda"))
    try world.make("p1")
    world.disks[0].layers.insert(
      .init(path: "/images/s1", index: 2, bitmaps: world.disks[0].layers[0].bitmaps), at: 0)
    return world
  }

  @Test
  func `the bitmaps of all layers are merged`() throws {
    let world = try LayeredBaseTests.world()
    let plan = try world.plan()
    #expect(plan.disks[0].bases.map(\.node) == ["libvirt-2-format", "libvirt-1-format"])
    #expect(plan.disks[0].expectedBytes == 2 * 65536)
    #expect(plan.disks[0].live.node.nodeName == "libvirt-2-format")
  }

  @Test
  func `one removed below is missed`() throws {
    var world = try LayeredBaseTests.world()
    world.disks[0].layers[1].bitmaps = []
    #expect(try world.reasons() == ["vda": "bitmap_missing"])
    world.disks[0].layers.insert(.init(path: "/images/s2", index: 3), at: 0)
    #expect(try world.reasons() == ["vda": "bitmap_missing"])
  }

  @Test
  func `one in the middle removed is missed`() throws {
    var world = try LayeredBaseTests.world()
    world.disks[0].layers.insert(
      .init(path: "/images/s2", index: 3, bitmaps: world.disks[0].layers[0].bitmaps), at: 0)
    #expect(try world.reasons() == ["vda": "incremental"])
    world.disks[0].layers[1].bitmaps = []
    #expect(try world.reasons() == ["vda": "bitmap_missing"])
  }

  @Test
  func `one that is not whole below spoils all`() throws {
    var world = try LayeredBaseTests.world()
    world.disks[0].layers[1].bitmaps[0].inconsistent = true
    #expect(try world.reasons() == ["vda": "bitmap_inconsistent"])
  }

  @Test
  func `layers that were there before the point need none`() throws {
    var world = World(.init("vda"))
    world.disks[0].layers.append(.init(path: "/images/template", index: 2))
    try world.make("p1")
    #expect(try world.plan().disks[0].bases.map(\.node) == ["libvirt-1-format"])
  }

  @Test
  func `after a commit the bitmap is in the base alone`() throws {
    var world = try LayeredBaseTests.world()
    try world.make("p2")
    world.disks[0].layers[1].bitmaps = world.disks[0].layers[0].bitmaps
    world.disks[0].layers.removeFirst()
    #expect(try world.reasons() == ["vda": "incremental"])
    // A new overlay over that: both count.
    world.disks[0].layers.insert(
      .init(path: "/images/s3", index: 4, bitmaps: world.disks[0].layers[0].bitmaps), at: 0)
    #expect(try world.plan().disks[0].bases.count == 2)
    world.disks[0].layers[1].bitmaps = []
    #expect(try world.reasons() == ["vda": "bitmap_missing"])
  }

  @Test
  func `an overlay that lost its base is another image`() throws {
    var world = try LayeredBaseTests.world()
    world.disks[0].layers.removeLast()
    #expect(try world.reasons() == ["vda": "image_changed"])
  }
}
