// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Sessions of stored points.
struct StoredSessionTests {
  @Test(arguments: LibvirtMode.available)
  func `a single file is read out of a backup, of a domain that is gone too`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let files = try libvirt.makeDirectory("files")
    defer { try? FileManager.default.removeItem(atPath: files) }
    let image = "\(files)/fs.img"
    try FileManager.default.createDirectory(
      atPath: "\(files)/root", withIntermediateDirectories: true)
    try "of Monday\n".write(
      toFile: "\(files)/root/letter", atomically: false, encoding: .utf8)
    try Command.run("truncate", ["-s", "8M", image]).expectSuccess()
    try Command.run("mkfs.ext4", ["-q", "-d", "\(files)/root", image]).expectSuccess()
    try libvirt.giveToDaemon(image)
    let scene = try Scene(
      libvirt,
      disks: [TestDisk("vda", .raw, size: 8 << 20, path: image), TestDisk("vdb", size: 8 << 20)])
    defer { scene.remove() }
    try scene.run("backup-create", "--backupname", "monday").expectSuccess()
    for disk in ["vda", "vdb"] { try scene.domain.write(disk, "write -P 0x41 2M 64k") }
    let second = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "tuesday", "--incremental").expectSuccess()
    try scene.domain.write("vda", "write -z 0 8M")

    func letter() throws -> String {
      let session = try scene.startSession("s", "--stored", "monday", "--diskspec", "vda")
      #expect(session.disks.keys.sorted() == ["vda"])
      // As the user the daemon belongs to, without any other right.
      let copy = "\(files)/copy"
      let isUser = !libvirt.clientPrefix.isEmpty
      let prefix = isUser ? libvirt.clientPrefix : libvirt.readerPrefix
      func run(_ command: String...) throws -> CommandResult {
        try Command.run(prefix[0], Array(prefix.dropFirst()) + command).expectSuccess()
      }
      let uri = try session.disk("vda").uri
      var text = ""
      if isUser || access("/dev/fuse", W_OK) != 0 {
        _ = try run("nbdcopy", uri, copy)
        text = try run("/sbin/debugfs", "-R", "cat /letter", copy).stdout
      } else {
        // Where the kernel allows it, without a copy.
        _ = try run("touch", copy)
        let mounted = try Command.start(
          prefix[0], Array(prefix.dropFirst()) + ["nbdfuse", copy, uri])
        defer { mounted.signal(SIGTERM) }
        try eventually("the export is a file") {
          try run("stat", "-c", "%s", copy).stdout == "\(8 << 20)\n"
        }
        text = try run("/sbin/debugfs", "-R", "cat /letter", copy).stdout
        _ = try run("umount", copy)
        try mounted.wait().expectSuccess()
      }
      try scene.finishSession()
      #expect(try scene.pool.files().allSatisfy { !$0.contains(".s.") })
      return text
    }
    #expect(try letter() == "of Monday\n")

    // An incremental point, whole; a backup may run meanwhile, and what is read cannot be deleted.
    let session = try scene.startSession("t", "--stored", "tuesday")
    try session.copy("vdb", to: "\(files)/vdb")
    #expect(try second["vdb"]?.difference(from: "\(files)/vdb", format: .raw) == nil)
    for arguments in [["tuesday"], ["monday", "--children"]] {
      let refused = try Program.run(libvirt, scene.arguments("backup-delete", arguments))
      #expect(refused.status == 1 && refused.stderr.contains("is using it"), "\(refused)")
      #expect(
        refused.stderr.contains("backup-finish-nbd \(scene.domain.name) --backupname t ends it"))
    }
    try scene.run("backup-create", "--backupname", "wednesday").expectSuccess()
    #expect(try scene.sessionState() == "t running")
    try scene.finishSession("t")
    try scene.expectNoSessions()

    try scene.domain.vanish()
    #expect(try letter() == "of Monday\n")
    let gone = try scene.run("backup-start-nbd")
    #expect(gone.status == 1 && gone.stderr.contains("--stored"), "\(gone)")
    #expect(try scene.points() == ["monday", "tuesday", "wednesday"])
  }
}
