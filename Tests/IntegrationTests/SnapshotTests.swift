// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Snapshots between points: the bitmaps of a disk are then on several images, or nowhere.
struct SnapshotTests {
  @Test(arguments: LibvirtMode.available)
  func `external snapshots and commits leave a disk incremental`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.domain.write("vdb", "write -P 0x12 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x22 1M 100k")
    #expect(try time.point("p2") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.write("vda", "write -z -u 2M 128k")
    try snapshot(time, "s2")
    try time.domain.write("vda", "discard 3M 128k")
    // Its bitmaps are on two images, born on the lower of them.
    #expect(try time.point("p3") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.write("vda", "write -P 0x41 5M 64k")
    try commit(time)
    try time.domain.write("vda", "write -P 0x51 6M 64k")
    #expect(try time.point("p4") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.write("vda", "write -P 0x61 7M 64k")
    #expect(try time.point("p5") == ["vda": "incremental", "vdb": "incremental"])
    try time.restart()
    #expect(try time.point("p6", "--diskspec", "vda") == ["vda": "incremental"])
    try time.expectNothingLeft()
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a pull into the overlay loses no change`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x22 1M 64k")
    try time.libvirt.virsh("blockpull", time.domain.name, "vda", "--wait")
    try time.domain.write("vda", "write -P 0x23 2M 64k")
    try time.point("p2")
    try time.domain.write("vda", "write -P 0x31 3M 64k")
    #expect(try time.point("p3") == ["vda": "incremental", "vdb": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `an overlay made independent behind QEMU's back loses no change`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x22 1M 64k")
    try time.restart {
      let overlay = "\(time.domain.directory)/vda.s1"
      try Command.run("qemu-img", ["rebase", "-f", "qcow2", "-b", "", overlay]).expectSuccess()
    }
    try time.point("p2")
    try time.domain.write("vda", "write -P 0x31 3M 64k")
    #expect(try time.point("p3") == ["vda": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a bitmap removed below an overlay is missed`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    let bitmap = try #require(try time.domain.ourBitmaps().first?.split(separator: "/").last)
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x22 1M 64k")
    try time.restart {
      let base = try time.domain.path("vda")
      try Command.run("qemu-img", ["bitmap", "--remove", base, String(bitmap)]).expectSuccess()
    }
    #expect(try time.point("p2") == ["vda": "bitmap_missing"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `what an old bitmap below an overlay says is never too little`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    // The bitmap of p1 stays in the base, which cannot be written now.
    try time.point("p2")
    try time.domain.write("vda", "write -P 0x31 1M 64k")
    try commit(time)
    try time.delete("p2")
    try time.domain.write("vda", "write -P 0x41 2M 64k")
    try time.point("p3")
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a raw disk under an overlay is backed up right`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", .raw, size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try snapshot(time, "s1")
    try time.domain.write("vda", "write -P 0x22 1M 64k")
    #expect(try time.point("p2") == ["vda": "bitmap_missing"])
    try time.domain.write("vda", "write -P 0x31 2M 64k")
    #expect(try time.point("p3") == ["vda": "incremental"])
    try time.domain.write("vda", "write -P 0x41 3M 64k")
    try commit(time)
    try time.domain.write("vda", "write -P 0x42 4M 64k")
    try time.point("p4")
    try time.domain.write("vda", "write -P 0x51 5M 64k")
    #expect(try time.point("p5") == ["vda": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `with internal snapshots nothing is stored in the image`(mode: LibvirtMode) throws {
    let time = try Timeline(mode, disks: [TestDisk("vda", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try time.restart {
      let path = try time.domain.path("vda")
      try Command.run("qemu-img", ["snapshot", "-c", "s1", path]).expectSuccess()
    }
    #expect(try time.point("p2") == ["vda": "incremental"])
    try time.domain.write("vda", "write -P 0x31 1M 64k")
    #expect(try time.point("p3") == ["vda": "incremental"])
    try time.domain.write("vda", "write -P 0x41 2M 64k")
    try time.restart()
    #expect(try time.point("p4") == ["vda": "internal_snapshots"])
    try time.domain.write("vda", "write -P 0x51 3M 64k")
    #expect(try time.point("p5") == ["vda": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a snapshot can be reverted to once the bitmaps are forgotten`(mode: LibvirtMode) throws {
    let time = try Timeline(
      mode, disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 4M")
    try time.domain.write("vdb", "write -P 0x12 0 4M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 0 64k")
    try time.libvirt.virsh("snapshot-create-as", time.domain.name, "s1")
    let held = try time.domain.save()
    #expect(try time.point("p2") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.write("vda", "write -P 0x31 1M 1M")
    try time.domain.write("vdb", "write -P 0x32 1M 1M")
    let forgotten = try time.run("backup-forget").expectSuccess()
    #expect(forgotten.stdout.isEmpty == false)
    #expect(try time.domain.ourBitmaps() == [])
    try time.libvirt.virsh("snapshot-revert", time.domain.name, "s1")
    #expect(try time.domain.state() == "paused")
    try time.expectRefusal("backup-create", "--incremental", because: "backup-forget")
    #expect(try time.point("p3", holds: held) == ["vda": "forgotten", "vdb": "forgotten"])
    #expect(try time.pool.files().contains { $0.hasSuffix(".forgotten") } == false)
    #expect(try time.point("p4", holds: held) == ["vda": "incremental", "vdb": "incremental"])
    try time.check()
  }

  /// Puts an overlay over the first disk.
  private func snapshot(_ time: Timeline, _ name: String) throws {
    try time.libvirt.virsh(
      ["snapshot-create-as", time.domain.name, name, "--disk-only", "--no-metadata"]
        + (time.domain.allDisks.count > 1 ? ["--diskspec", "vdb,snapshot=no"] : []))
  }

  /// Writes all overlays of the first disk into its base and goes on there.
  private func commit(_ time: Timeline) throws {
    try time.libvirt.virsh(
      "blockcommit", time.domain.name, "vda", "--active", "--pivot", "--wait")
  }
}
