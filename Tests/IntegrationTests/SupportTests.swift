// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The ground the other tests stand on.
struct SupportTests {
  @Test(arguments: LibvirtMode.available)
  func `a domain starts paused, runs and is destroyed`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let domain = try TestDomain(libvirt, disks: [TestDisk("vda"), TestDisk("vdb", .raw)])
    defer { domain.remove() }
    #expect(try domain.state() == "paused")
    try libvirt.virsh("resume", domain.name)
    #expect(try domain.state() == "running")
    let pid = try #require(libvirt.qemuPID(domain: domain.name))
    #expect(libvirt.qemuPIDs().contains(pid))
    let owner = try FileManager.default.attributesOfItem(atPath: "/proc/\(pid)")[.ownerAccountID]
    #expect((owner as? NSNumber)?.uint32Value == libvirt.uid)
    #expect(try domain.leftovers().isEmpty)
    #expect(try domain.ourBitmaps().isEmpty)
    try domain.destroy()
    #expect(libvirt.qemuPIDs().contains(pid) == false)
  }

  @Test(arguments: LibvirtMode.available, TestDisk.Bus.allCases)
  func `what is written to a disk and to its model is the same`(
    mode: LibvirtMode, bus: TestDisk.Bus
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let prefix = bus == .virtio ? "vd" : "sd"
    let disks = [
      TestDisk("\(prefix)a", .qcow2, size: (40 << 20) + 4096, bus: bus),
      TestDisk("\(prefix)b", .raw, size: 40 << 20, bus: bus),
      TestDisk("\(prefix)c", .qcow2, bus: bus, options: "cluster_size=4096"),
    ]
    let domain = try TestDomain(libvirt, disks: disks)
    defer { domain.remove() }
    for disk in disks {
      try domain.write(disk.target, "write -P 0x11 0 8M")
      try domain.write(disk.target, "write -P 0x22 4096 512")
      try domain.write(disk.target, "write -z 1M 100k")
      try domain.write(disk.target, "write -z -u 2M 1M")
      try domain.write(disk.target, "discard 3M 1M")
      try domain.write(disk.target, "discard 4200k 200k")
      try domain.write(disk.target, "write -P 0x33 5000k 3k")
      try domain.write(disk.target, "write -P 0x44 39M 1M")
    }
    try domain.write("\(prefix)a", "write -P 0x55 40M 4096")
    try domain.write("\(prefix)a", "discard 39M \((1 << 20) + 4096)")
    try domain.destroy()
    #expect(try domain.differences() == [])
    let saved = try domain.save()
    try domain.start(paused: true)
    try domain.write("\(prefix)b", "write -P 0x66 7M 512")
    try domain.killQEMU()
    #expect(try domain.differences() == [])
    let image = try domain.path("\(prefix)b")
    #expect(try saved["\(prefix)b"]?.difference(from: image, format: .raw) != nil)
  }

  @Test(arguments: LibvirtMode.available)
  func `a disk is plugged into a running domain`(mode: LibvirtMode) throws {
    let domain = try TestDomain(PrivateLibvirt.shared(mode), disks: [TestDisk("vda")])
    defer { domain.remove() }
    try domain.attach(TestDisk("vdb", .raw, size: 8 << 20))
    try domain.attach(TestDisk("sda", size: 8 << 20, bus: .scsi))
    try domain.write("vdb", "write -P 0x77 1M 1M")
    try domain.write("sda", "write -P 0x78 1M 1M")
    try domain.destroy()
    #expect(try domain.differences() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `the counting guest is ahead on its first disk by 0 or 1`(mode: LibvirtMode) throws {
    let domain = try TestDomain(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda"), TestDisk("vdb", .raw)],
      counting: true, start: .running)
    defer { domain.remove() }
    let guest = try #require(domain.guest)
    try guest.awaitWrites(500)
    try domain.destroy()
    #expect(guest.report().failed == 0)
    let first = try CounterGuest.counter(in: domain.path("vda"), .qcow2)
    let second = try CounterGuest.counter(in: domain.path("vdb"), .raw)
    #expect(first > 100)
    #expect(first - second <= 1)
  }

  @Test(arguments: LibvirtMode.available)
  func `a pool holds a volume of the daemon`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let pool = try Pool(libvirt)
    defer { pool.remove() }
    try libvirt.virsh("vol-create-as", pool.name, "a.qcow2", "1M", "--format", "qcow2")
    #expect(try pool.files() == ["a.qcow2"])
  }

  @Test(.enabled(if: LibvirtMode.available.contains(.system)), arguments: LibvirtMode.available)
  func `a small pool is full soon`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let pool = try Pool(libvirt, limit: 4 << 20)
    defer { pool.remove() }
    #expect(throws: CommandError.self) {
      try libvirt.virsh(
        "vol-create-as", pool.name, "a.raw", "8M", "--format", "raw", "--allocation", "8M")
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `domains outlive the daemon, and nothing outlives its close`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let domain = try TestDomain(libvirt, disks: [TestDisk("vda")])
    let pid = libvirt.qemuPID(domain: domain.name)
    try libvirt.restart()
    #expect(try domain.state() == "paused")
    try libvirt.kill()
    #expect(libvirt.daemonPID == nil)
    #expect(throws: CommandError.self) { try domain.state() }
    #expect(libvirt.qemuPIDs() == [pid])
    try libvirt.start()
    #expect(try domain.state() == "paused")
    libvirt.close()
    #expect(libvirt.qemuPIDs() == [])
    #expect(FileManager.default.fileExists(atPath: libvirt.directory) == false)
  }
}
