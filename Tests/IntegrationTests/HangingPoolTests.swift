// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A pool whose storage does not answer any more.
///
/// A frozen file system lets nobody write, not even root, until it is thawed.
struct HangingPoolTests {
  @Test(.enabled(if: getuid() == 0), arguments: LibvirtMode.available)
  func `a hanging pool ends the command, not the guest, and is settled when it is back`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let image = "\(libvirt.directory)/t/image"
    let directory = "\(libvirt.directory)/mnt/frozen"
    try Command.run("truncate", ["-s", "1G", image]).expectSuccess()
    try Command.run("mkfs.ext4", ["-q", image]).expectSuccess()
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    try Command.run("mount", ["-o", "loop", image, directory]).expectSuccess()
    defer {
      _ = try? Command.run("fsfreeze", ["-u", directory])
      libvirt.close()
      _ = try? Command.run("umount", ["-l", directory])
    }
    try libvirt.giveToDaemon(directory)
    try FileManager.default.removeItem(atPath: "\(directory)/lost+found")

    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", .raw)], counting: true,
      directory: directory)
    let guest = try #require(scene.domain.guest)
    // Beyond what the guest writes to: so much that the copy can be caught.
    try scene.domain.write("vda", "write -P 0x11 64M 190M")
    try guest.awaitWrites(200)
    let client = try scene.startSlowly("p", "--timeout", "8")
    try Command.run("fsfreeze", ["-f", directory]).expectSuccess()
    // From now on writes are on their way and do not come back.
    try scene.setSpeed(0)
    let began = ContinuousClock.now
    let result = try client.wait(timeout: .seconds(60))
    #expect(result.status == 1 && result.stderr.contains("error: timed out;"), "\(result)")
    #expect(ContinuousClock.now - began < .seconds(30))
    try guest.awaitWrites(200)
    #expect(guest.report().failed == 0)

    try Command.run("fsfreeze", ["-u", directory]).expectSuccess()
    try eventually("what was left is settled") {
      try scene.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    try scene.expectNoStrays()
    try guest.awaitWrites(200)
    #expect(guest.report().failed == 0)
    try scene.run("backup-create", "--backupname", "q").expectSuccess()
    let first = try CounterGuest.counter(in: scene.image("q", "vda"), .qcow2)
    let second = try CounterGuest.counter(in: scene.image("q", "vdb"), .qcow2)
    #expect(first - second <= 1)
  }
}
