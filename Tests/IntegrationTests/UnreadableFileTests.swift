// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A file that libvirt cannot look at: a pool that is refreshed is stopped by it.
@Suite(.enabled(if: getuid() == 0, "mounting wants root"))
struct UnreadableFileTests {
  /// Makes a FUSE mount whose server has died.
  private func makeDeadMount(in directory: String) throws -> String {
    let path = "\(directory)/dead"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Command.run(
      "bash",
      [
        "-c",
        "exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 x \"$0\"",
        path,
      ]
    ).expectSuccess()
    return path
  }

  private func removeMount(_ path: String) {
    _ = try? Command.run("umount", ["-l", path])
    rmdir(path)
  }

  @Test(arguments: LibvirtMode.available)
  func `pools go on, and so does everything in them`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 4 << 20), TestDisk("vdb", .raw, size: 4 << 20)],
      start: .paused, limit: 64 << 20)
    defer { scene.remove() }
    let images = try Pool(libvirt, limit: 64 << 20)
    defer { images.remove() }
    let domain = scene.domain
    var references: [String: [String: ReferenceImage]] = [:]
    func create(_ point: String, _ pattern: Int) throws {
      try domain.write("vdb", "write -P \(pattern) \(pattern * 100)k 1M")
      references[point] = try domain.save()
      try scene.run("backup-create", "--backupname", point).expectSuccess()
    }
    try create("a", 1)
    var mounts: [String] = []
    defer { for mount in mounts { removeMount(mount) } }
    for pool in [scene.pool, images] { mounts.append(try makeDeadMount(in: pool.directory)) }
    func expectActive(
      _ when: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let active = try libvirt.virsh("pool-list", "--name").split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      for pool in [scene.pool, images] {
        #expect(active.contains(pool.name), "\(when)", sourceLocation: sourceLocation)
      }
    }

    try create("b", 2)
    try create("c", 3)
    try expectActive("after a create")
    #expect(try scene.points() == ["a", "b", "c"])
    try scene.run("backup-delete", "b").expectSuccess()
    try expectActive("after a delete")
    let name = libvirt.uniqueName("copy")
    defer { libvirt.discard(name) }
    try scene.run("backup-restore", "a", "--newname", name, "--target-pool", images.name)
      .expectSuccess()
    try expectActive("after a restore")
    try libvirt.virsh("start", name, "--paused")
    try domain.destroy()
    try scene.run("backup-restore", "c", "--overwrite", "--target-pool", images.name)
      .expectSuccess()
    try expectActive("after a restore over the domain")
    for point in ["a", "c"] {
      #expect(try scene.differences(point, references[point] ?? [:]) == [])
    }

    // What libvirt does not know, since others put it there, can be deleted all the same.
    let manifest = try #require(try scene.pool.files().first { $0.hasSuffix(".c.backup.xml") })
    let path = scene.pool.path(manifest)
    try Command.run("cp", ["--preserve=all", path, path + ".aside"]).expectSuccess()
    try libvirt.virsh("vol-delete", manifest, "--pool", scene.pool.name)
    try FileManager.default.moveItem(atPath: path + ".aside", toPath: path)
    try scene.run("backup-delete", "c").expectSuccess()
    #expect(try scene.points() == ["a"])
    try expectActive("after a delete of what libvirt did not know")
  }
}
