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
    let history = try History(
      libvirt, disks: [TestDisk("vda", size: 4 << 20), TestDisk("vdb", .raw, size: 4 << 20)])
    defer { history.remove() }
    let domain = history.domain
    let images = try Pool(libvirt, directory: domain.directory)
    defer { try? images.undefine() }
    try domain.write("vda", "write -P 1 1M 1M")
    try history.backUp("a")
    var mounts: [String] = []
    defer { for mount in mounts { removeMount(mount) } }
    for pool in [history.pool, images] {
      mounts.append(try makeDeadMount(in: pool.directory))
    }
    func expectActive(
      _ when: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let active = try libvirt.virsh("pool-list", "--name").split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      for pool in [history.pool, images] {
        #expect(active.contains(pool.name), "\(when)", sourceLocation: sourceLocation)
      }
      #expect(!active.contains { $0.hasPrefix("virsh-backup-look") }, "\(when)")
    }

    for (number, point) in ["b", "c"].enumerated() {
      try domain.write("vdb", "write -P \(number + 2) \(number)M 1M")
      try history.backUp(point)
      try expectActive("after a create")
    }
    try expect(history.listed(), ["a", "b", "c"])
    try history.run("backup-delete", "b").expectSuccess()
    history.drop(["b"])
    try expectActive("after a delete")
    let name = libvirt.uniqueName("copy")
    defer { libvirt.discard(name) }
    try history.run("backup-restore", "a", "--newname", name).expectSuccess()
    try expectActive("after a restore")
    try libvirt.virsh("start", name, "--paused")
    try domain.destroy()
    try history.run("backup-restore", "c", "--overwrite").expectSuccess()
    try expectActive("after a restore over the domain")
    #expect(try history.storedDifferences() == [])

    // A volume that others put there can be deleted all the same.
    let manifest = try #require(try history.pool.files().first { $0.hasSuffix(".c.backup.xml") })
    let path = history.pool.path(manifest)
    try Command.run("cp", ["--preserve=all", path, path + ".aside"]).expectSuccess()
    try libvirt.virsh("vol-delete", manifest, "--pool", history.pool.name)
    try FileManager.default.moveItem(atPath: path + ".aside", toPath: path)
    try history.run("backup-delete", "c").expectSuccess()
    try expect(history.listed(), ["a"])
    try expectActive("after a delete of what libvirt did not know")
  }
}
