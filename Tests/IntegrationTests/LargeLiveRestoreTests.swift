// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A guest with much data runs at once on its backup, and goes on whatever is killed.
struct LargeLiveRestoreTests {
  /// A guest that counts on the first 4 MiB of its two disks, and data behind them on the second.
  private struct LargeScene {
    let live: LiveScene
    let model: ReferenceImage
    let counted: UInt64 = 4 << 20

    var domain: TestDomain { live.domain }

    init(_ libvirt: PrivateLibvirt, size: UInt64) throws {
      live = try LiveScene(
        libvirt,
        disks: [TestDisk("vda", size: counted), TestDisk("vdb", size: counted + size)],
        counting: true)
      let domain = live.domain
      do {
        model = try ReferenceImage(
          path: "\(domain.directory)/model", size: counted + size, discardUnit: 65536)
        for offset in stride(from: 0, to: size, by: 64 << 20) {
          try write("write -P \(offset >> 26 + 1) \(counted + offset) 64M", flushes: false)
        }
      } catch {
        live.remove()
        throw error
      }
    }

    /// Writes to the second disk, and makes it last longer than QEMU unless told.
    func write(_ command: String, flushes: Bool = true) throws {
      try domain.write("vdb", command)
      try model.apply(DiskChange(command))
      if flushes { try live.flush("vdb") }
    }

    /// Waits until data moves to the second disk.
    func awaitData() throws {
      try eventually("data moves", within: .seconds(60)) {
        var status = stat()
        let image = try domain.path("vdb")
        return lstat(image, &status) == 0 && status.st_blocks > (8 << 20) / 512
      }
    }

    // Waits until the guest counts, from its beginning, and expects that it does so soon.
    func expectSoon<Result>(_ body: () throws -> Result) throws -> Result {
      let report = try #require(domain.guest).reportPath
      try? FileManager.default.removeItem(atPath: report)
      let begin = ContinuousClock.now
      let result = try body()
      try domain.guest?.awaitWrites(1)
      #expect(.now - begin < .seconds(10))
      return result
    }

    /// Expects that the second disk holds what was written, and both what the guest counted.
    func expectWhole() throws {
      let report = try #require(domain.guest).report()
      #expect(report.failed == 0)
      let last = UInt32(report.good / 4)
      for disk in ["vda", "vdb"] {
        let counter = try CounterGuest.counter(in: domain.path(disk), .qcow2)
        #expect((last...last + 2).contains(counter), "\(disk): \(counter), \(report)")
      }
      let image = try domain.path("vdb"), part = "\(domain.directory)/counted"
      try Command.run(
        "qemu-img",
        ["dd", "-f", "qcow2", "-O", "raw", "bs=4M", "count=1", "if=\(image)", "of=\(part)"]
      ).expectSuccess()
      try Command.run("dd", ["if=\(part)", "of=\(model.path)", "bs=4M", "conv=notrunc"])
        .expectSuccess()
      #expect(try model.difference(from: image, format: .qcow2) == nil)
    }
  }

  // One after the other, for the room they take.
  @Test(.serialized, arguments: LibvirtMode.available, [UInt64(4) << 30, 1 << 30])
  func `a guest with much data runs within ten seconds and loses nothing, whatever is killed`(
    mode: LibvirtMode, size: UInt64
  ) throws {
    // A daemon of its own: it is killed.
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let scene = try LargeScene(libvirt, size: size)
    let live = scene.live, domain = scene.domain
    let create = live.arguments("backup-create", ["--backupname", "p"])
    try Program.run(libvirt, create, timeout: .seconds(300)).expectSuccess()
    let before = try live.poolState()
    try domain.vanish()
    func restore(_ more: String...) throws -> RunningCommand {
      try Program.start(libvirt, live.arguments("backup-restore", ["p", "--live"] + more))
    }

    var client = try scene.expectSoon { try restore("--bandwidth", "16") }
    try scene.awaitData()
    try scene.write("write -P 0xe1 9M 70k")
    client.signal(SIGKILL)
    try client.wait()
    #expect(try domain.state() == "running")
    try scene.write("write -z -u 37M 3M")
    try live.awaitPull()

    client = try restore("--bandwidth", "4")
    try scene.write("write -P 0xe2 \(size - 1000) 5000")
    try domain.killQEMU()
    live.expectRefusal(try client.wait(), "domain '\(domain.name)' is shut off and still stands")

    client = try scene.expectSoon { try restore("--bandwidth", "4") }
    try live.awaitPull()
    try scene.write("write -P 0xe3 100M 64k")
    try libvirt.kill()
    #expect(try client.wait().status == 1)
    try libvirt.start()
    #expect(try domain.state() == "running")
    try scene.write("write -P 0xe4 200M 1M")

    // Nothing holds it up now.
    client = try restore("--bandwidth", "0")
    try client.wait(timeout: .seconds(300)).expectSuccess()
    try domain.guest?.awaitWrites(100)
    try live.expectFree(before)
    try domain.destroy()
    try scene.expectWhole()
  }
}
