// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Disks of whose changes the domain's QEMU sees not all, or none.
struct UnseenDisksTests {
  @Test(arguments: LibvirtMode.available)
  func `a disk that another domain writes to is always full`(mode: LibvirtMode) throws {
    let time = try Timeline(mode)
    defer { time.remove() }
    try time.restart { try time.domain.share("vdb") }
    let other = try TestDomain(
      time.libvirt,
      disks: [TestDisk("vdb", .raw, size: 8 << 20, path: try time.domain.path("vdb"))],
      start: .off)
    defer { other.remove() }
    try other.share("vdb")
    func held() throws -> [String: ReferenceImage] {
      try time.domain.save().merging(other.save()) { $1 }
    }
    func writeElsewhere(_ command: String) throws {
      try other.start(paused: true)
      try other.write("vdb", command)
      try other.destroy()
    }
    try time.domain.write("vda", "write -P 0x11 0 3M")
    try writeElsewhere("write -P 0x12 0 3M")
    #expect(try time.point("p1", holds: held()) == ["vda": "first", "vdb": "shared"])
    try time.domain.write("vda", "write -P 0x21 1M 64k")
    try writeElsewhere("write -P 0x22 1M 64k")
    #expect(try time.point("p2", holds: held()) == ["vda": "incremental", "vdb": "shared"])
    #expect(try !time.domain.ourBitmaps().contains { $0.contains("vdb") })
    try time.expectRefusal("backup-create", "--incremental", because: "shareable")
    try writeElsewhere("write -P 0x32 2M 64k")
    #expect(try time.point("p3", holds: held()) == ["vda": "incremental", "vdb": "shared"])

    // While the other one runs there is no instant of the disk.
    try other.start(paused: true)
    for command in ["backup-create", "backup-start-nbd"] {
      try time.expectRefusal(
        command, because: "disk 'vdb' is shareable, and another domain may be using it")
    }
    #expect(
      try time.point("p4", "--diskspec", "vdb,backup=no", holds: held()) == ["vda": "incremental"])
    try other.destroy()

    // A reader of a session gets all of it too.
    try time.run("backup-start-nbd", "--backupname", "s1").expectSuccess()
    try time.run("backup-finish-nbd").expectSuccess()
    #expect(try !time.domain.ourBitmaps().contains { $0.contains("vdb") })
    let session = try time.run("backup-start-nbd", "--backupname", "s2", "--parent", "s1")
      .expectSuccess()
    #expect(session.stdout.contains("disk 'vdb': all of it (shareable"), "\(session)")
    try time.run("backup-finish-nbd").expectSuccess()
    try time.check()
  }

  @Test func `a disk that the guest drives itself is refused, and left out when that is said`()
    throws
  {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 4 << 20)], start: .off)
    defer { history.remove() }
    try history.domain.redefine(replacing: [
      (
        "<memballoon",
        """
        <disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/sdz'/>
        <target dev='sdb' bus='scsi'/></disk><memballoon
        """
      )
    ])
    for command in ["backup-create", "backup-start-nbd"] {
      let refused = try history.run(command)
      #expect(
        refused.status == 1
          && refused.stderr.contains("disk 'sdb': its guest drives the device itself")
          && refused.stderr.contains("--diskspec sdb,backup=no"), "\(refused)")
      #expect(try history.pool.files() == [])
    }
    try history.run("backup-create", "--backupname", "p", "--diskspec", "sdb,backup=no")
      .expectSuccess()
    #expect(try history.pool.files().count == 2)
  }

  @Test func `a vhost-user disk is refused, and another one backed up beside it`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 4 << 20)], start: .off)
    defer { history.remove() }
    let domain = history.domain
    let image = "\(domain.directory)/served", socket = "\(domain.directory)/vhost"
    try Command.run("qemu-img", ["create", "-q", "-f", "raw", image, "4M"]).expectSuccess()
    let server = try Command.start(
      "qemu-storage-daemon",
      [
        "--blockdev", "driver=file,node-name=disk,filename=\(image)", "--export",
        "type=vhost-user-blk,id=e,addr.type=unix,addr.path=\(socket),node-name=disk,writable=on",
      ])
    defer {
      server.signal(SIGTERM)
      _ = try? server.wait()
    }
    try eventually("the server listens") { access(socket, F_OK) == 0 }
    chmod(socket, 0o777)
    try domain.redefine(replacing: [
      (
        "<memballoon",
        """
        <disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/>
        <source type='unix' path='\(socket)'/><target dev='vdb' bus='virtio'/></disk><memballoon
        """
      ),
      (
        "<vcpu",
        """
        <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu
        """
      ),
    ])
    try domain.start(paused: true)
    try domain.write("vda", "write -P 1 1M 1M")
    for command in ["backup-create", "backup-start-nbd"] {
      let refused = try history.run(command)
      #expect(
        refused.status == 1
          && refused.stderr.contains("disk 'vdb': another process serves it (vhost-user)")
          && refused.stderr.contains("--diskspec vdb,backup=no"), "\(refused)")
      #expect(try history.pool.files() == [])
      #expect(try domain.leftovers() == [])
    }
    try history.run("backup-create", "--backupname", "p", "--diskspec", "vdb,backup=no")
      .expectSuccess()
    try history.run("backup-create", "--backupname", "q", "--diskspec", "vda").expectSuccess()
    #expect(try history.pool.files().count == 4)
    try domain.destroy()
  }
}

extension TestDomain {
  /// Lets other domains write to a disk, from the next start on.
  fileprivate func share(_ target: String) throws {
    try redefine(replacing: [("<target dev='\(target)'", "<shareable/><target dev='\(target)'")])
  }
}
