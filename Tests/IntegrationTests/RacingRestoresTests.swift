// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A client that restores, and others that settle or cancel its restore in a bad moment.
struct RacingRestoresTests {
  /// Makes what a pool has of operations look as if it were older than any client takes.
  private func age(_ pool: Pool) throws {
    let files = try pool.files().filter { $0.contains(".partial.xml") }
    #expect(!files.isEmpty)
    try Command.run("touch", ["-d", "5 minutes ago"] + files.map(pool.path)).expectSuccess()
  }

  @Test func `a client that is about to replace the disks is not cancelled, however late`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let client = try Program.startStopped(
      scene.libvirt, scene.arguments("p"), before: "virDomainDefineXMLFlags")
    defer { client.signal(SIGKILL) }
    #expect(try scene.files().count == 4)
    try age(scene.history.pool)
    let aborted = try scene.history.run("backup-jobabort")
    #expect(aborted.status == 1 && aborted.stderr.contains("end that process first"), "\(aborted)")
    try client.finish().expectSuccess()
    try expect(scene.differences(from: "p"), [])
    try expect(scene.files(), scene.imageNames())
    try scene.expectNoStrays()
  }

  @Test(.enabled(if: geteuid() == 0))
  func `a restore that is whole is not undone by who cannot know its client`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 2 << 20)])
    defer { history.remove() }
    let directory = try history.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try history.domain.write("vda", "write -P 1 0 1M")
    try history.backUp("p")
    let client = try Program.startStopped(
      history.libvirt,
      [
        "backup-restore", history.domain.name, "p", "--pool", history.pool.name, "--newname", "r",
        "--no-define", "--target-pool", directory,
      ], at: "virDomainDestroyFlags")
    defer { client.signal(SIGKILL) }
    try age(history.pool)
    try Program.run(
      history.libvirt, ["backup-jobinfo", history.domain.name, "--pool", history.pool.name],
      as: .inContainer
    ).expectSuccess()
    try client.finish().expectSuccess()
    try expect(FileManager.default.contentsOfDirectory(atPath: directory), ["r-vda.qcow2"])
    let reference = try #require(history.references["p"]?["vda"])
    #expect(try reference.difference(from: "\(directory)/r-vda.qcow2", format: .qcow2) == nil)
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    try expect(history.helpers(), [])
  }

  @Test func `a guest that another client has started keeps its images`() throws {
    let scene = try LiveScene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    defer { scene.remove() }
    let domain = scene.domain
    try domain.write("vda", "write -P 1 0 6M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try domain.vanish()
    let restore = ["p", "--live", "--paused", "--async", "--bandwidth", "1"]
    // It cannot start the domain, and is about to take back what it made.
    let first = try Program.startStopped(
      scene.libvirt, scene.arguments("backup-restore", restore),
      before: "virDomainCreateWithFlags", at: "virStorageVolDelete")
    defer { first.signal(SIGKILL) }
    let image = try domain.path("vda")
    #expect(rename(image, "\(image).aside") == 0)
    try first.goOn()
    #expect(rename("\(image).aside", image) == 0)
    try Program.run(scene.libvirt, scene.arguments("backup-restore", restore)).expectSuccess()
    try domain.write("vda", "write -P 2 5M 100k")
    let failed = try first.finish()
    #expect(failed.status == 1, "\(failed)")

    #expect(FileManager.default.fileExists(atPath: image))
    #expect(try domain.inactiveDefinition().contains(image))
    try scene.run("backup-setspeed", "0").expectSuccess()
    try eventually("it is complete") { try scene.jobs().isEmpty }
    #expect(try !domain.inactiveDefinition().contains(scene.pool.directory))
    try domain.destroy()
    try expect(domain.differences(), [])
  }

  /// Backs the domain up, destroys it, and restores it live without a client until all is pulled.
  private func pullAll(of scene: LiveScene) throws {
    let domain = scene.domain
    try domain.write("vda", "write -P 1 0 6M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    try domain.vanish()
    try scene.run("backup-restore", "p", "--live", "--paused", "--async").expectSuccess()
    try eventually("all is pulled") {
      (try scene.libvirt.monitor(domain.name, "query-jobs") as? [Any])?.isEmpty == true
    }
  }

  @Test func `of two clients that flush what was restored neither takes the other's word`() throws {
    let scene = try LiveScene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    defer { scene.remove() }
    let domain = scene.domain
    try pullAll(of: scene)
    // Between its look and its flush.
    let late = try Program.startStopped(
      scene.libvirt, scene.arguments("backup-jobinfo", []), before: "blockdev-add")
    defer { late.signal(SIGKILL) }
    // This one knows how QEMU refuses it, and not yet whether it does the same with the image.
    let slow = try Program.startStopped(
      scene.libvirt, scene.arguments("backup-jobinfo", []), at: "blockdev-reopen")
    defer { slow.signal(SIGKILL) }
    // This one has flushed it, and not yet forgotten the restore.
    let early = try Program.startStopped(
      scene.libvirt, scene.arguments("backup-jobinfo", []), at: "blockdev-del")
    defer { early.signal(SIGKILL) }
    for client in [slow, late, early] {
      let result = try client.finish().expectSuccess()
      #expect(!(result.stdout + result.stderr).contains("not on disk"), "\(result)")
    }

    #expect(try scene.jobs().isEmpty)
    #expect(try !domain.inactiveDefinition().contains(scene.pool.directory))
    let nodes = try scene.libvirt.monitor(domain.name, "query-named-block-nodes")
    #expect(!"\(nodes)".contains("probe"))
    try domain.destroy()
    try expect(domain.differences(), [])
  }

  @Test func `what a killed client flushed by does not keep later backups from another pool`()
    throws
  {
    let scene = try LiveScene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    defer { scene.remove() }
    let domain = scene.domain
    try pullAll(of: scene)
    let late = try Program.start(
      scene.libvirt, scene.arguments("backup-jobinfo", []),
      environment: [
        "VIRSH_BACKUP_STOP_BEFORE": "blockdev-add", "VIRSH_BACKUP_KILL_AT": "blockdev-reopen",
      ])
    defer { late.signal(SIGKILL) }
    try late.awaitStop()
    // This one ends the restore.
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try late.finish().ending == .signalled(SIGKILL))
    func hasProbe() throws -> Bool {
      "\(try scene.libvirt.monitor(domain.name, "query-named-block-nodes"))".contains("probe")
    }
    #expect(try hasProbe())

    let other = try Pool(scene.libvirt)
    defer { other.remove() }
    try Program.run(
      scene.libvirt, ["backup-create", domain.name, "--pool", other.name]
    ).expectSuccess()
    #expect(try !hasProbe())
  }

  @Test func `a restore that is cancelled is not completed by what another client did last`()
    throws
  {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let pool = scene.history.pool
    let before = try scene.domain.inactiveDefinition(), files = try scene.files()
    try scene.startAsync("p")
    let partial = try #require(try pool.files().first { $0.hasSuffix(".partial.xml") })
    // It is about to claim the end.
    let cancelling = try Program.startStopped(
      scene.libvirt, ["backup-jobabort", scene.domain.name, "--pool", pool.name],
      before: "virStorageVolCreateXML")
    defer { cancelling.signal(SIGKILL) }
    let other = try Program.run(
      scene.libvirt, ["backup-jobinfo", scene.domain.name, "--pool", pool.name],
      environment: ["VIRSH_BACKUP_KILL_AT": "\(partial).done"])
    #expect(other.ending == .signalled(SIGKILL))
    // As one does that could not end it.
    try FileManager.default.removeItem(atPath: pool.path("\(partial).claim1"))
    try cancelling.finish().expectSuccess()
    try expect(scene.domain.inactiveDefinition(), before)
    try expect(scene.files(), files)
    try scene.expectNoStrays()
  }
}
