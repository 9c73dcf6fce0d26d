// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Volumes that are no files: nothing is read through them, and nothing they lead to is changed.
struct LinkedVolumesTests {
  /// Owner, mode and content of a file.
  private static func state(_ path: String) throws -> String {
    try Command.run("stat", ["-c", "%u %g %a %s", path]).expectSuccess().stdout
      + Command.run("sha256sum", [path]).expectSuccess().stdout
  }

  /// Puts a link in place of a volume.
  private static func replace(_ volume: String, by target: String) throws {
    try FileManager.default.removeItem(atPath: volume)
    try FileManager.default.createSymbolicLink(atPath: volume, withDestinationPath: target)
  }

  @Test(arguments: LibvirtMode.available)
  func `a disk's volume that leads to another image is not restored`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 2 << 20)])
    defer { history.remove() }
    let libvirt = history.libvirt
    let directory = try libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try history.domain.write("vda", "write -P 1 0 100k")
    try history.backUp("p")
    // Another domain's image, of the same size, which only its owner can read.
    let other = "\(directory)/other.qcow2"
    let volume = "\(history.domain.name).p.vda.qcow2"
    try Command.run("cp", [history.pool.path(volume), other]).expectSuccess()
    chmod(other, 0o600)
    let before = try Self.state(other)
    try Self.replace(history.pool.path(volume), by: other)
    for arguments in [
      ["backup-restore", history.domain.name, "p", "--no-define", "--target-pool", directory],
      [
        "backup-restore", history.domain.name, "p", "--newname", "copy", "--live",
        "--target-pool", directory,
      ], ["backup-start-nbd", history.domain.name, "--stored", "p"],
    ] {
      let refused = try Program.run(libvirt, arguments + ["--pool", history.pool.name])
      #expect(refused.ending == .exited(1) && refused.stderr.contains(volume), "\(refused)")
      #expect(refused.stderr.contains("not a regular file"), "\(refused)")
    }
    #expect(try Self.state(other) == before)
    let info = try history.run("backup-info", "p").expectSuccess().stdout
    #expect(info.contains("damaged") && info.contains("not a regular file"), "\(info)")
    try expect(history.backUp("q").reasons, ["vda base_damaged"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["other.qcow2"])
    // What goes is the link.
    try history.run("backup-delete", "p").expectSuccess()
    #expect(try Self.state(other) == before)
  }

  @Test(.enabled(if: getuid() == 0))
  func `state that leads to a file of root's is not restored`() throws {
    let scene = try FirmwareScene(PrivateLibvirt.shared(.system), format: .qcow2)
    defer { scene.remove() }
    try scene.domain.start(paused: true)
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let secret = "\(scene.domain.directory)/secret"
    for volume in ["nvram.fd", "tpm.permall"] {
      let path = scene.pool.path("\(scene.domain.name).p.\(volume)")
      try Command.run("cp", [path, secret]).expectSuccess()
      chmod(secret, 0o600)
      chown(secret, 0, 0)
      let before = try Self.state(secret), kept = "\(path).kept"
      try Command.run("cp", ["--preserve", path, kept]).expectSuccess()
      try Self.replace(path, by: secret)
      let refused = try scene.run(
        "backup-restore", "p", "--newname", "\(scene.domain.name)-copy", "--target-pool",
        scene.domain.directory)
      #expect(refused.ending == .exited(1), "\(refused)")
      #expect(refused.stderr.contains(volume), "\(refused)")
      #expect(refused.stderr.contains("not a regular file"), "\(refused)")
      #expect(try Self.state(secret) == before)
      #expect(try scene.run("backup-info", "p").expectSuccess().stdout.contains("damaged"))
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.moveItem(atPath: kept, toPath: path)
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `documents that are pipes or links keep nobody waiting`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 1 << 20)])
    defer { history.remove() }
    try history.backUp("p")
    let manifest = history.pool.path("\(history.domain.name).p.backup.xml")
    try Command.run("mkfifo", [history.pool.path("a.backup.xml")]).expectSuccess()
    try Command.run("mkfifo", [history.pool.path("b.qcow2")]).expectSuccess()
    let linked = history.pool.path("c.backup.xml")
    try FileManager.default.createSymbolicLink(atPath: linked, withDestinationPath: manifest)
    let list = try Program.run(
      history.libvirt, ["backup-list", "--all", "--pool", history.pool.name],
      timeout: .seconds(30)
    ).expectSuccess()
    for name in ["a.backup.xml", "c.backup.xml"] {
      #expect(list.stdout.contains(name), "\(list)")
    }
    #expect(try history.listed() == ["p"])
    try history.run("backup-delete", "p").expectSuccess()
  }
}
