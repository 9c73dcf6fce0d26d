// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A point is one instant over all its disks.
struct InstantTests {
  @Test(arguments: LibvirtMode.available)
  func `in twenty points of a writing guest the first disk is ahead by 0 or 1`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(
      libvirt,
      disks: [TestDisk("vda", size: 16 << 20), TestDisk("vdb", .raw, size: 16 << 20)],
      counting: true)
    defer { scene.remove() }
    let guest = try #require(scene.domain.guest)
    try guest.awaitWrites(100)
    var last: UInt32 = 0
    for number in 0..<20 {
      try scene.run("backup-create", "--backupname", "p\(number)").expectSuccess()
      try guest.awaitWrites(20)
      let first = try CounterGuest.counter(in: scene.image("p\(number)", "vda"), .qcow2)
      let second = try CounterGuest.counter(in: scene.image("p\(number)", "vdb"), .qcow2)
      #expect(first >= second && first - second <= 1, "\(first) and \(second) in p\(number)")
      #expect(first > last, "p\(number) is not newer than what was before it")
      last = first
    }
    #expect(guest.report().failed == 0)
    let directory = try libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try scene.run(
      "backup-restore", "p19", "--no-define", "--target-pool", directory
    ).expectSuccess()
    #expect(try CounterGuest.counter(in: "\(directory)/vda.qcow2", .qcow2) == last)
    let second = try CounterGuest.counter(in: "\(directory)/vdb.raw", .raw)
    #expect(last - second <= 1)
    try scene.expectNoStrays()
  }
}
