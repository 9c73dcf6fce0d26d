// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
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
      let client = try Program.start(libvirt, scene.arguments(command, more))
      let peak = Self.peakMemory(of: client.pid)
      try client.wait(timeout: .seconds(600)).expectSuccess()
      #expect((1 << 10..<40 << 10).contains(peak), "\(command): \(peak) KiB")
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

  /// The most memory a process held, in KiB, watched until it ends.
  ///
  /// What `wait4` tells counts in the process that started it, until it became another program.
  private static func peakMemory(of pid: Int32) -> Int {
    var peak = 0
    while let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
      let text = status.firstMatch(of: /VmHWM:\s+(\d+)/)?.1
    {
      peak = Int(text) ?? peak
      usleep(5000)
    }
    return peak
  }
}
