// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Sessions beside backups of ours, libvirt's own, and other programs'.
struct SessionNeighboursTests {
  @Test(arguments: LibvirtMode.available)
  func `a session and a backup keep each other away, also from another pool`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 256 << 20), TestDisk("vdb", .raw, size: 8 << 20)])
    defer { scene.remove() }
    let other = try Pool(libvirt)
    defer { other.remove() }
    func expectRefusal(_ text: String, _ command: String, _ pool: Pool) throws {
      let result = try Program.run(libvirt, [command, scene.domain.name, "--pool", pool.name])
      #expect(result.status == 1 && result.stderr.contains(text), "\(result)")
      #expect(try other.files() == [])
    }
    let session = try scene.startSession("s1")
    for pool in [scene.pool, other] {
      for command in ["backup-create", "backup-start-nbd"] {
        try expectRefusal("NBD session 's1'", command, pool)
      }
    }
    try expectRefusal("NBD session 's1'", "backup-forget", scene.pool)
    try session.copy("vda", to: "\(scene.domain.directory)/copy")
    try scene.finishSession()

    try scene.domain.write("vda", "write -P 0x41 0 224M")
    let client = try scene.startSlowly("p")
    try expectRefusal("backup 'p'", "backup-start-nbd", scene.pool)
    try expectRefusal("backup 'p'", "backup-start-nbd", other)
    try scene.setSpeed(0)
    try client.wait().expectSuccess()
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `a backup is a session's parent, and sessions leave backups incremental`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode))
    defer { scene.remove() }
    let domain = scene.domain
    try domain.write("vda", "write -P 0x41 1M 64k")
    let first = try domain.save()
    try scene.run("backup-create", "--backupname", "p1").expectSuccess()
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 0x42 2M 64k") }
    let session = try scene.startSession("s1", "--parent", "p1")
    for disk in ["vda", "vdb"] {
      #expect(try session.map(disk) == [[2 << 20, 64 << 10]])
      try domain.write(disk, "write -z 4M 64k")
    }
    try scene.finishSession()
    #expect(try scene.recordedSessions() == ["s1"])
    let second = try domain.save()
    try scene.run("backup-create", "--backupname", "p2", "--incremental").expectSuccess()
    #expect(try scene.differences("p1", first) == [])
    #expect(try scene.differences("p2", second) == [])
    // The backup took nothing from the session, nor the session from the backup.
    let next = try scene.startSession("s2", "--parent", "s1")
    #expect(try next.map("vda") == [[4 << 20, 64 << 10]])
    try scene.finishSession("--failed")
    let since = try scene.startSession("s3", "--parent", "p2", "--diskspec", "vdb,incremental=s1")
    #expect(since.disks.keys.sorted() == ["vdb"])
    #expect(try since.map("vdb") == [[4 << 20, 64 << 10]])
    try scene.finishSession("--forget")
    try scene.run("backup-create", "--backupname", "p3", "--incremental").expectSuccess()
    #expect(try scene.recordedSessions() == [])
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `what changed is known over an external snapshot and its commit`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 8 << 20)], start: .running)
    defer { scene.remove() }
    let domain = scene.domain
    let copy = "\(domain.directory)/copy"
    func update(_ name: String, _ parent: String, _ map: [[UInt64]]) throws {
      let expected = try domain.save()
      let session = try scene.startSession(name, "--parent", parent)
      #expect(try session.map("vda") == map, "\(name)")
      _ = try session.update("vda", in: copy)
      #expect(try expected["vda"]?.difference(from: copy, format: .raw) == nil, "\(name)")
      try scene.finishSession()
    }
    try domain.write("vda", "write -P 0x41 0 8M")
    try scene.startSession("s1").copy("vda", to: copy)
    try scene.finishSession()
    try domain.write("vda", "write -P 0x42 1M 64k")
    let overlay = "\(domain.directory)/overlay"
    try scene.libvirt.virsh(
      "snapshot-create-as", domain.name, "x", "--disk-only", "--no-metadata", "--diskspec",
      "vda,file=\(overlay)")
    try domain.write("vda", "write -z 2M 64k")
    try update("s2", "s1", [[1 << 20, 64 << 10], [2 << 20, 64 << 10]])
    try domain.write("vda", "write -P 0x43 3M 64k")
    try update("s3", "s2", [[3 << 20, 64 << 10]])
    try domain.write("vda", "write -P 0x44 4M 64k")
    try scene.libvirt.virsh(
      "blockcommit", domain.name, "vda", "--active", "--pivot", "--wait")
    try domain.write("vda", "write -P 0x45 5M 64k")
    let expected = try domain.save()
    // libvirt merges into the base what it recorded since the snapshot; all of that may be told
    // again, but nothing may be missed.
    let session = try scene.startSession("s4", "--parent", "s3")
    let map = try session.map("vda")
    for place in [4, 5] {
      #expect(map.contains { $0[0] <= place << 20 && $0[0] + $0[1] > place << 20 }, "\(map)")
    }
    _ = try session.update("vda", in: copy)
    #expect(try expected["vda"]?.difference(from: copy, format: .raw) == nil)
    try scene.finishSession("--forget")
    try scene.expectNoSessions()
    #expect(try domain.ourBitmaps() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `libvirt's own pull backups and checkpoints work before and after a session`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt)
    defer { scene.remove() }
    let name = scene.domain.name
    let socket = "\(libvirt.directory)/tmp/\(name).sock"
    let copy = "\(scene.domain.directory)/copy"
    func pull(since checkpoint: String? = nil) throws -> CommandResult {
      let incremental = checkpoint.map { "<incremental>\($0)</incremental>" } ?? ""
      let file = "\(scene.domain.directory)/pull.xml"
      try """
      <domainbackup mode='pull'>\(incremental)<server transport='unix' socket='\(socket)'/>
      <disks><disk name='vda' backup='yes' type='file'><scratch file='\(copy).scratch'/></disk>
      <disk name='vdb' backup='no'/></disks>
      </domainbackup>
      """.write(toFile: file, atomically: false, encoding: .utf8)
      return try Command.run("virsh", ["-q", "-c", libvirt.uri, "backup-begin", name, file])
    }
    func read() throws -> String {
      try libvirt.runReader("nbdinfo", ["--map", "nbd+unix:///vda?socket=\(socket)"])
        .expectSuccess().stdout
    }
    try libvirt.virsh(
      "checkpoint-create-as", name, "c1", "--diskspec", "vda", "--diskspec", "vdb,checkpoint=no")
    try pull().expectSuccess()
    _ = try read()
    // Ours refuse meanwhile, and say what is in their way.
    for command in ["backup-create", "backup-start-nbd"] {
      let refused = try scene.run(command)
      #expect(refused.status == 1 && refused.stderr.contains("active job (backup)"), "\(refused)")
    }
    _ = try read()
    try libvirt.virsh("domjobabort", name)

    let session = try scene.startSession("s1")
    let refused = try pull()
    #expect(refused.status != 0, "\(refused)")
    try session.copy("vda", to: copy)
    try scene.finishSession()
    try scene.expectNoSessions()
    try scene.domain.write("vda", "write -P 0x41 1M 64k")
    try pull(since: "c1").expectSuccess()
    let disk = "nbd+unix:///vda?socket=\(socket)"
    let map = try libvirt.runReader("nbdinfo", ["--map=qemu:dirty-bitmap:backup-vda", disk])
      .expectSuccess().stdout
    #expect(map.contains(#/1048576 +65536 +1 +dirty/#), "\(map)")
    try libvirt.virsh("domjobabort", name)
    #expect(try libvirt.virsh("checkpoint-list", name, "--name").contains("c1"))
    try libvirt.virsh("checkpoint-delete", name, "c1")
    #expect(try scene.startSession("s2", "--parent", "s1").map("vda") == [[1 << 20, 64 << 10]])
    try scene.finishSession()
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `virtnbdbackup works on the domain before and after a session`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(libvirt, disks: [TestDisk("vda", size: 8 << 20)])
    defer { scene.remove() }
    let directory = try libvirt.makeDirectory("other")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func backUp(_ level: String) throws {
      let command =
        (libvirt.namespaceHolder == nil ? libvirt.clientPrefix : libvirt.readerPrefix) + [
          "virtnbdbackup", "-U", "qemu:///\(mode)", "-d", scene.domain.name, "-l", level, "-o",
          directory,
          "--scratchdir", scene.domain.directory,
        ]
      let result = try Command.run(command[0], Array(command.dropFirst()), directory: directory)
      try result.expectSuccess()
    }
    try scene.domain.write("vda", "write -P 0x41 1M 1M")
    try backUp("full")
    let session = try scene.startSession("s1")
    try session.copy("vda", to: "\(scene.domain.directory)/copy")
    try scene.finishSession()
    try scene.domain.write("vda", "write -P 0x42 2M 64k")
    try backUp("inc")
    let next = try scene.startSession("s2", "--parent", "s1")
    #expect(try next.map("vda") == [[2 << 20, 64 << 10]])
    try scene.finishSession()
    try scene.expectNoSessions()
  }
}
