// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The data never passes through the client.
struct LargeDiskTests {
  @Test(arguments: LibvirtMode.available, [UInt64(1) << 30, 1 << 40])
  func `the client's memory does not depend on the disk's size`(
    mode: LibvirtMode, size: UInt64
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt, disks: [TestDisk("vda", size: size)], start: .paused)
    defer { scene.remove() }
    let directory = try libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func measure(_ command: String, _ more: String...) throws {
      let result = try Program.run(
        libvirt, scene.arguments(command, more), timeout: .seconds(600)
      ).expectSuccess()
      #expect(result.peakMemory < 40 << 10, "\(command): \(result.peakMemory) KiB")
      print("\(size >> 30) GiB \(command) \(result.duration) \(result.peakMemory) KiB")
    }
    let end = size - (1 << 20)
    try scene.domain.write("vda", "write -P 0x11 0 1M")
    try scene.domain.write("vda", "write -P 0x12 \(end) 1M")
    try measure("backup-create", "--backupname", "p", "--full")
    try scene.domain.write("vda", "write -P 0x13 \(end) 64k")
    try measure("backup-create", "--backupname", "q", "--incremental")
    try measure("backup-restore", "q", "--no-define", "--target-pool", directory)
    #expect(try ReferenceImage.capacity(of: "\(directory)/vda.qcow2", format: .qcow2) == size)
  }
}
