// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Restores over a domain that exists and is shut off.
struct OverwriteTests {
  @Test(arguments: LibvirtMode.available)
  func `disks and definition are those of the backup, and the files before are gone`(
    mode: LibvirtMode
  ) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(mode))
    defer { scene.history.remove() }
    let domain = scene.domain, name = domain.name
    let recorded = try domain.inactiveDefinition()
    try domain.redefine(replacing: [(">32768<", ">65536<")])

    let result = try scene.overwrite("p").expectSuccess()
    #expect(result.stdout.contains("Domain '\(name)' restored from backup p\n"))
    #expect(result.stderr.contains("disk 'vda': now '"), "\(result)")
    #expect(result.stderr.contains("' is deleted\n"), "\(result)")
    // Both names were taken: the new ones are the domain's.
    #expect(try scene.files() == ["\(name)-vda.qcow2", "\(name)-vdb.img"])
    #expect(
      try domain.inactiveDefinition()
        == recorded.replacing("/vda.qcow2'", with: "/\(name)-vda.qcow2'")
        .replacing("/vdb.raw'", with: "/\(name)-vdb.img'"))
    #expect(try scene.differences(from: "p") == [])

    // The images have no record of changes.
    try domain.start(paused: true)
    try scene.history.run("backup-create", "--backupname", "r").expectSuccess()
    #expect(
      try scene.history.info("r").reasons == ["vda bitmap_missing", "vdb bitmap_lost"])
    try domain.destroy()

    // The recorded names are free again.
    try scene.overwrite("q", "--keep-old", "--paused").expectSuccess()
    #expect(try domain.state() == "paused")
    try domain.destroy()
    #expect(try domain.inactiveDefinition() == recorded)
    #expect(try scene.differences(from: "q") == [])
    // What was kept stays, and is in nobody's way.
    try scene.overwrite("p").expectSuccess()
    #expect(
      try scene.files()
        == ["\(name)-vda-2.qcow2", "\(name)-vda.qcow2", "\(name)-vdb-2.img", "\(name)-vdb.img"]
        .sorted())
    #expect(try scene.imageNames() == ["\(name)-vda-2.qcow2", "\(name)-vdb-2.img"])
    try scene.expectToStart()
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `named disks are replaced alone, and all else stays as it is`(mode: LibvirtMode) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(mode))
    defer { scene.history.remove() }
    let domain = scene.domain
    try domain.redefine(replacing: [(">32768<", ">65536<")])
    let before = try domain.inactiveDefinition()
    let vda = try Data(contentsOf: URL(filePath: domain.path("vda")))
    try scene.overwrite("p", "--diskspec", "vdb,file=\(scene.path("new.raw"))").expectSuccess()
    #expect(
      try domain.inactiveDefinition()
        == before.replacing("/vdb.raw'", with: "/new.raw'"))
    #expect(try scene.files() == ["new.raw", "vda.qcow2"])
    #expect(try Data(contentsOf: URL(filePath: domain.path("vda"))) == vda)
    let reference = try #require(scene.history.references["p"]?["vdb"])
    #expect(try reference.difference(from: scene.path("new.raw"), format: .raw) == nil)
    try scene.expectToStart()

    // A file that is gone, or worth nothing, is no hindrance.
    try FileManager.default.removeItem(atPath: scene.path("new.raw"))
    try "broken".write(
      toFile: scene.path("vda.qcow2"), atomically: false, encoding: .utf8)
    let target = try Pool(scene.history.libvirt)
    defer { target.remove() }
    try scene.overwrite("q", "--target-pool", target.name).expectSuccess()
    #expect(try scene.files() == [])
    #expect(try target.files() == ["vda.qcow2", "vdb.raw"])
    #expect(try scene.differences(from: "q") == [])
  }

  @Test func `a file that somebody else uses by then stays`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let old = "vda.qcow2", name = scene.domain.name
    let killed = try Program.run(
      scene.history.libvirt, scene.arguments("q"),
      environment: ["VIRSH_BACKUP_KILL_AT": "virDomainDefineXMLFlags"])
    #expect(killed.ending == .signalled(SIGKILL))
    #expect(try scene.files() == ["\(name)-vda.qcow2", "\(name)-vdb.img", old, "vdb.raw"])
    #expect(try scene.differences(from: "q") == [])
    let other = try TestDomain(
      scene.history.libvirt, disks: [TestDisk("vda", path: scene.path(old))], start: .off)
    defer { other.remove() }
    let result = try scene.history.run("backup-jobinfo").expectSuccess()
    #expect(
      result.stdout.contains("'\(scene.path(old))' is kept: it is used by domain '\(other.name)'"),
      "\(result)")
    #expect(try scene.files() == ["\(name)-vda.qcow2", "\(name)-vdb.img", old])
    try scene.expectNoStrays()
  }
}
