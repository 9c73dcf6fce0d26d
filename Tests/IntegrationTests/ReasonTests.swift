// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Why a disk is backed up in full while the others stay incremental.
struct ReasonTests {
  @Test(arguments: LibvirtMode.available)
  func `a disk plugged in is full, the others stay incremental`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try time.domain.write("vdb", "write -P 0x12 1M 3M")
    #expect(try time.point("p1") == ["vda": "first", "vdb": "first"])
    try time.domain.write("vda", "write -P 0x21 2M 300k")
    try time.domain.write("vdb", "write -z -u 1M 100k")
    try time.domain.attach(TestDisk("vdc", size: 8 << 20))
    try time.domain.write("vdc", "write -P 0x23 0 1M")
    try time.expectRefusal("backup-create", "--incremental", because: "disk added since p1")
    #expect(
      try time.point("p2") == ["vda": "incremental", "vdb": "incremental", "vdc": "new_disk"])
    #expect(try time.disks("p2")["vdc"]?.reason == "disk added since p1")
    try time.domain.write("vdc", "discard 0 512k")
    #expect(
      try time.point("p3", "--incremental")
        == ["vda": "incremental", "vdb": "incremental", "vdc": "incremental"])
    try time.domain.write("vda", "write -P 0x41 4M 64k")
    #expect(
      try time.point("p4", "--full")
        == ["vda": "requested", "vdb": "requested", "vdc": "requested"])
    try time.domain.write("vdb", "write -P 0x52 7M 64k")
    #expect(
      try time.point("p5", "--diskspec", "vda,backupmode=full", "--diskspec", "vdb")
        == ["vda": "requested", "vdb": "incremental"])
    try time.expectNothingLeft()
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `what records changes in memory ends with QEMU`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try time.domain.write("vdb", "write -P 0x12 0 3M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 1M 64k")
    try time.domain.write("vdb", "write -P 0x22 1M 64k")
    try time.restart()
    #expect(try time.point("p2") == ["vda": "incremental", "vdb": "bitmap_lost"])
    #expect(try time.disks("p2")["vdb"]?.reason == "domain restarted, raw keeps none")

    // A bitmap that was never stored is gone when QEMU is killed; this one was stored.
    try time.restart()
    try time.domain.write("vda", "write -P 0x31 2M 64k")
    try time.domain.killQEMU()
    try time.domain.start(paused: true)
    // What QEMU had not yet written out may be lost with it.
    try time.domain.write("vda", "write -P 0x32 2M 64k")
    #expect(try time.point("p3") == ["vda": "bitmap_inconsistent", "vdb": "bitmap_lost"])
    // The bitmap that could not be used is gone.
    #expect(try time.domain.ourBitmaps().count == 2)
    try time.domain.write("vda", "write -P 0x41 3M 64k")
    try time.domain.write("vdb", "write -P 0x42 3M 64k")
    #expect(try time.point("p4") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.killQEMU()
    try time.domain.start(paused: true)
    try time.domain.write("vda", "write -P 0x41 3M 64k")
    #expect(try time.point("p5") == ["vda": "bitmap_missing", "vdb": "bitmap_lost"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a disk that grows stays incremental, one that shrinks does not`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 8M")
    try time.domain.write("vdb", "write -P 0x12 0 8M")
    try time.point("p1")
    for (disk, size) in [("vda", UInt64(16 << 20)), ("vdb", (12 << 20) + 4096)] {
      try time.libvirt.virsh("blockresize", time.domain.name, disk, "\(size)B")
      try time.domain.model(disk).resize(to: size)
    }
    try time.domain.write("vda", "write -P 0x21 15M 1M")
    #expect(try time.point("p2") == ["vda": "incremental", "vdb": "incremental"])
    try time.domain.write("vda", "write -P 0x31 9M 64k")
    try time.domain.write("vdb", "write -P 0x32 12M 4096")
    #expect(try time.point("p3") == ["vda": "incremental", "vdb": "incremental"])
    #expect(try time.disks("p1")["vda"]?.capacity == 8 << 20)
    #expect(try time.disks("p3")["vda"]?.capacity == 16 << 20)
    try time.restart {
      let path = try time.domain.path("vda")
      try Command.run("qemu-img", ["resize", "-f", "qcow2", "--shrink", path, "10M"])
        .expectSuccess()
      try time.domain.model("vda").resize(to: 10 << 20)
    }
    #expect(try time.point("p4", "--diskspec", "vda") == ["vda": "disk_shrunk"])
    try time.domain.write("vda", "write -P 0x51 9M 1M")
    #expect(try time.point("p5", "--diskspec", "vda") == ["vda": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a bitmap removed by hand makes a full`(mode: LibvirtMode) throws {
    let time = try Timeline(
      mode, disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 1M 64k")
    let bitmap = try #require(try time.domain.ourBitmaps().first { $0.hasSuffix(".vda") })
    let parts = bitmap.split(separator: "/").map(String.init)
    try time.libvirt.monitor(
      time.domain.name, "block-dirty-bitmap-remove",
      "{\"node\": \"\(parts[0])\", \"name\": \"\(parts[1])\"}")
    try time.expectRefusal("backup-create", "--incremental", because: "no bitmap")
    #expect(try time.point("p2") == ["vda": "bitmap_missing", "vdb": "incremental"])
    #expect(try time.point("p3") == ["vda": "incremental", "vdb": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `disks whose files were swapped are full`(mode: LibvirtMode) throws {
    let time = try Timeline(
      mode, disks: [TestDisk("vda", size: 8 << 20), TestDisk("vdb", size: 8 << 20)])
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try time.domain.write("vdb", "write -P 0x12 2M 3M")
    try time.point("p1")
    let held = try time.domain.save()
    let one = try #require(held["vda"]), other = try #require(held["vdb"])
    try time.restart {
      let first = try time.domain.path("vda"), second = try time.domain.path("vdb")
      try FileManager.default.moveItem(atPath: first, toPath: first + ".moved")
      try FileManager.default.moveItem(atPath: second, toPath: first)
      try FileManager.default.moveItem(atPath: first + ".moved", toPath: second)
    }
    let swapped = ["vda": other, "vdb": one]
    #expect(
      try time.point("p2", holds: swapped) == ["vda": "image_changed", "vdb": "image_changed"])
    #expect(
      try time.point("p3", holds: swapped) == ["vda": "incremental", "vdb": "incremental"])
    try time.check()
  }

  @Test(arguments: LibvirtMode.available)
  func `a disk whose parent's data is gone is full`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try time.domain.write("vdb", "write -P 0x12 0 3M")
    try time.point("p1")
    try time.domain.write("vda", "write -P 0x21 1M 64k")
    try time.point("p2")
    let volume = try #require(try time.disks("p2")["vda"]?.volume)
    try FileManager.default.removeItem(atPath: time.pool.path(volume))
    time.giveUp("p2")
    try time.domain.write("vda", "write -P 0x31 2M 64k")
    try time.expectRefusal("backup-create", "--incremental", because: "p2's volume is gone")
    #expect(try time.point("p3") == ["vda": "base_missing", "vdb": "incremental"])
    try time.domain.write("vda", "write -P 0x41 2M 4k")
    #expect(try time.point("p4") == ["vda": "incremental", "vdb": "incremental"])
    let list = try Program.run(
      time.libvirt, ["backup-list", "--pool", time.pool.name, "--name"]
    ).expectSuccess()
    #expect(list.stdout.split(separator: "\n") == ["p1", "p3", "p4"])
    try time.check()
  }
}
