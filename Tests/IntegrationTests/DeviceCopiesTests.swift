// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Copies to block devices.
struct DeviceCopiesTests {
  @Test(.enabled(if: LoopDevices.arePossible), arguments: LibvirtMode.available)
  func `a device holds an image or the bare data`(mode: LibvirtMode) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    let domain = document.scene.domain
    defer { document.remove() }
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 5 1M 3M") }
    let references = try domain.save()
    let devices = try LoopDevices(
      [16 << 20, 12 << 20, 4 << 20], in: document.directory, document.scene.libvirt)
    let (image, bare, small) = (devices.paths[0], devices.paths[1], devices.paths[2])
    func text(_ path: String) -> String {
      """
      <domainbackup><disks><disk name='vda' type='block'><target dev='\(image)'/></disk>
      <disk name='vdb' type='block'><driver type='raw'/><target dev='\(path)'/></disk></disks>
      </domainbackup>
      """
    }
    try document.create(text(bare)).expectSuccess()
    try document.scene.expectNoStrays()
    let raw = document.path("raw")
    try Command.run("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", image, raw])
      .expectSuccess()
    #expect(try references["vda"]?.difference(from: raw, format: .raw) == nil)
    try Command.run("dd", ["if=\(bare)", "of=\(raw)", "bs=1M", "count=8", "status=none"])
      .expectSuccess()
    try Command.run("truncate", ["-s", "8M", raw]).expectSuccess()
    #expect(try references["vdb"]?.difference(from: raw, format: .raw) == nil)

    let result = try document.create(text(small))
    #expect(result.status == 1 && result.stderr.contains("has 4194304 bytes"), "\(result)")
    try document.scene.expectNoStrays()
    #expect(try document.scene.pool.files() == [])
    _ = consume devices
  }

  @Test(arguments: LibvirtMode.available)
  func `a device that is not there is no target`(mode: LibvirtMode) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    defer { document.remove() }
    try "x".write(toFile: document.path("file"), atomically: false, encoding: .utf8)
    for path in ["/dev/virsh-backup-none", "@/file", "/dev/null"] {
      let result = try document.create(
        """
        <domainbackup><disks><disk name='vda' type='block'><target dev='\(path)'/></disk></disks>
        </domainbackup>
        """)
      #expect(result.status == 1 && !result.firstError.isEmpty, "\(result)")
      try document.scene.expectNoStrays()
      #expect(try document.scene.pool.files() == [])
    }
    #expect(try String(contentsOfFile: document.path("file"), encoding: .utf8) == "x")
  }
}
