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
  /// Block devices on files of a size; root only, and only where the system has loop devices.
  private struct LoopDevices: ~Copyable {
    private(set) var paths: [String] = []

    init(_ sizes: [UInt64], in scene: DocumentScene) throws {
      for (number, size) in sizes.enumerated() {
        let file = scene.path("device\(number)")
        try Command.run("truncate", ["-s", "\(size)", file]).expectSuccess()
        let path = try Command.run("losetup", ["--find", "--show", file]).expectSuccess().stdout
          .trimmingCharacters(in: .whitespacesAndNewlines)
        paths.append(path)
        // In system mode QEMU may not open it: the client has to.
        if scene.scene.libvirt.mode == .session { try scene.scene.libvirt.giveToDaemon(path) }
      }
    }

    deinit {
      for path in paths {
        chown(path, 0, 0)
        _ = try? Command.run("losetup", ["--detach", path])
      }
    }
  }

  private static let isPossible = getuid() == 0 && access("/dev/loop-control", W_OK) == 0

  @Test(.enabled(if: isPossible), arguments: LibvirtMode.available)
  func `a device holds an image or the bare data`(mode: LibvirtMode) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    let domain = document.scene.domain
    defer { document.remove() }
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 5 1M 3M") }
    let references = try domain.save()
    let devices = try LoopDevices([16 << 20, 12 << 20, 4 << 20], in: document)
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
