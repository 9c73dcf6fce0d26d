// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What a session keeps beside the guest, and what becomes of both when that fails.
struct SessionScratchTests {
  @Test(.enabled(if: getuid() == 0), arguments: LibvirtMode.available)
  func `a scratch that becomes full ends the reader, not the guest`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let disks = [TestDisk("vda", size: 16 << 20), TestDisk("vdb", .raw, size: 16 << 20)]
    let scene = try Scene(libvirt, disks: disks, counting: true)
    defer { scene.remove() }
    let scratch = try Pool(libvirt, limit: 16 << 20)
    defer { scratch.remove() }
    let guest = try #require(scene.domain.guest)
    // Once round each disk, so that there is data in all clusters.
    try guest.awaitWrites(1050, within: .seconds(180))
    let session = try scene.startSession("s", "--scratch-pool", scratch.name)
    #expect(try scratch.files().count == 2)
    let reader = try session.hold("vda")
    // Both disks are 32 MiB of old data: more than fits.
    try scene.expectBrokenView()
    reader.signal(SIGKILL)
    try reader.wait()
    #expect(guest.report().failed == 0)
    #expect(try scene.domain.state() == "running")
    try scene.expectNotGood()
    #expect(try scratch.files() == [])
    try scene.expectNoSessions()
    #expect(try scene.domain.ourBitmaps() == [])
    try guest.awaitWrites(200)
    #expect(guest.report().failed == 0)
  }

  @Test(.enabled(if: getuid() == 0), arguments: LibvirtMode.available)
  func `a scratch that hangs ends the reader, not the guest`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let image = "\(libvirt.directory)/t/image"
    let directory = "\(libvirt.directory)/mnt/frozen"
    try Command.run("truncate", ["-s", "256M", image]).expectSuccess()
    try Command.run("mkfs.ext4", ["-q", image]).expectSuccess()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Command.run("mount", ["-o", "loop", image, directory]).expectSuccess()
    defer {
      _ = try? Command.run("fsfreeze", ["-u", directory])
      libvirt.close()
      _ = try? Command.run("umount", ["-l", directory])
    }
    try libvirt.giveToDaemon(directory)
    try FileManager.default.removeItem(atPath: "\(directory)/lost+found")
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda"), TestDisk("vdb", .raw)], counting: true)
    let scratch = try Pool(libvirt, directory: directory)
    let guest = try #require(scene.domain.guest)
    try guest.awaitWrites(400)
    try scene.startSession("s", "--scratch-pool", scratch.name)
    try Command.run("fsfreeze", ["-f", directory]).expectSuccess()
    // Each disk waits once, as long as the filter lets it.
    try guest.awaitWrites(400, within: .seconds(90))
    #expect(guest.report().failed == 0)
    try scene.expectBrokenView()
    #expect(try scene.domain.state() == "running")

    try Command.run("fsfreeze", ["-u", directory]).expectSuccess()
    try scene.expectNotGood()
    #expect(try scratch.files() == [])
    try scene.expectNoSessions()
    try guest.awaitWrites(200)
    #expect(guest.report().failed == 0)
  }
}

extension Scene {
  /// Waits until a session is known to have lost the instant of its start.
  fileprivate func expectBrokenView() throws {
    try eventually("the view is broken", within: .seconds(180), every: .milliseconds(200)) {
      try sessionState() == "s failed"
    }
  }

  /// Ends such a session as if all were well, which must fail.
  fileprivate func expectNotGood() throws {
    let result = try run("backup-finish-nbd")
    #expect(result.status == 1 && result.stderr.contains("ended as with --failed"), "\(result)")
  }
}
