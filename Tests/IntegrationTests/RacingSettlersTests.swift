// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import TestSupport
import Testing

/// A client that publishes a point and one that undoes it at the same time.
struct RacingSettlersTests {
  /// A point, changes after it, and what the next point is to have.
  private func makeScene() throws -> (Scene, [String: ReferenceImage]) {
    let scene = try Scene(PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 2 << 20)])
    do {
      try scene.domain.write("vda", "write -P 1 0 100k")
      try scene.run("backup-create", "--backupname", "p").expectSuccess()
      try scene.domain.write("vda", "write -P 2 1M 100k")
      return (scene, try scene.domain.save())
    } catch {
      scene.remove()
      throw error
    }
  }

  /// Expects that the next point is incremental and has every change.
  private func expectNoChangeLost(_ scene: Scene) throws {
    try scene.expectNoStrays()
    try scene.domain.write("vda", "write -P 3 1500k 10k")
    let later = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "r", "--incremental").expectSuccess()
    #expect(try scene.differences("r", later) == [])
  }

  @Test func `what one publishes while another undoes it takes no change from the next backup`()
    throws
  {
    let (scene, saved) = try makeScene()
    defer { scene.remove() }
    // It has said that it flushes the image, and does not yet; then it has ended its copies, and what
    // it is about to take out of QEMU the other may have taken.
    let publisher = try scene.startStopped(
      "backup-create", ["--backupname", "q"], before: "blockdev-reopen", at: "blockdev-del")
    defer { publisher.signal(SIGKILL) }
    // It does not wait for that any longer and is about to cancel them; then it has taken the point's
    // record of changes away, or is done.
    let other = try scene.startStopped(
      "backup-jobinfo", before: "job-cancel", at: "block-dirty-bitmap-remove")
    defer { other.signal(SIGKILL) }
    try publisher.goOn()
    try eventually("the copy has ended") {
      try scene.domain.jobs().allSatisfy { $0.hasSuffix(" concluded") }
    }
    try other.goOn()
    let published = try publisher.finish()
    try other.finish()

    #expect(try scene.points() == (published.status == 0 ? ["p", "q"] : ["p"]))
    if published.status == 0 { #expect(try scene.differences("q", saved) == []) }
    try expectNoChangeLost(scene)
  }

  @Test func `an image that one flushed while another was about to is not flushed again`() throws {
    let (scene, saved) = try makeSlowScene()
    defer { scene.remove() }
    try Program.run(
      scene.libvirt, scene.arguments("backup-create", Self.slowly("q") + ["--async"])
    ).expectSuccess()
    try scene.awaitCopy(of: "q")
    try scene.endCopies()
    // This one is about to claim the flush, which the other has done and noted before it goes on.
    let late = try scene.startStopped("backup-jobinfo", before: "transaction")
    defer { late.signal(SIGKILL) }
    let early = try scene.startStopped("backup-jobinfo", before: "job-finalize")
    defer { early.signal(SIGKILL) }
    try late.finish().expectSuccess()
    try early.finish().expectSuccess()

    #expect(try scene.points() == ["p", "q"])
    #expect(try scene.differences("q", saved) == [])
    try expectNoChangeLost(scene)
  }

  @Test func `a manifest that one is slow to write is not taken away by another`() throws {
    let (scene, saved) = try makeScene()
    defer { scene.remove() }
    // It has made the volume of the manifest and not written it; the first it wrote was the partial.
    let slow = try scene.startStopped(
      "backup-create", ["--backupname", "q"], before: "write#2", at: "nothing")
    defer { slow.signal(SIGKILL) }
    let other = try scene.startStopped(
      "backup-jobinfo", before: "virStorageVolDelete", at: "nothing")
    defer { other.signal(SIGKILL) }
    try slow.finish().expectSuccess()
    try other.finish().expectSuccess()

    #expect(try scene.points() == ["p", "q"])
    #expect(try scene.differences("q", saved) == [])
    try expectNoChangeLost(scene)
  }

  /// A point, much to copy for the next, and what that is to have.
  private func makeSlowScene() throws -> (Scene, [String: ReferenceImage]) {
    let scene = try Scene(PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    do {
      try scene.run("backup-create", "--backupname", "p").expectSuccess()
      try scene.domain.write("vda", "write -P 2 0 7M")
      return (scene, try scene.domain.save())
    } catch {
      scene.remove()
      throw error
    }
  }

  @Test func `what was decided to be undone no third client publishes`() throws {
    let (scene, _) = try makeSlowScene()
    defer { scene.remove() }
    try Program.run(
      scene.libvirt, scene.arguments("backup-create", Self.slowly("q") + ["--async"])
    ).expectSuccess()
    try scene.awaitCopy(of: "q")
    // It is about to cancel the copies; then it has taken the point's record of changes away.
    let undoer = try scene.startStopped(
      "backup-jobabort", before: "job-cancel", at: "block-dirty-bitmap-remove")
    defer { undoer.signal(SIGKILL) }
    try scene.endCopies()
    // It is about to write the manifest; then it has.
    let publisher = try Program.start(
      scene.libvirt, scene.arguments("backup-jobinfo", []),
      environment: ["VIRSH_BACKUP_STOP_BEFORE": "write", "VIRSH_BACKUP_STOP_AT": "write"])
    defer { publisher.signal(SIGKILL) }
    try eventually("it is stopped or has ended") {
      publisher.isStopped || publisher.hasEnded
    }
    try undoer.goOn()
    try publisher.goOn()
    try scene.run("backup-jobinfo").expectSuccess()
    try publisher.finish()
    try undoer.finish()

    #expect(try scene.points() == ["p"])
    try expectNoChangeLost(scene)
  }

  /// The options of an incremental create that crawls.
  private static func slowly(_ point: String) -> [String] {
    ["--backupname", point, "--incremental", "--bandwidth", "1"]
  }

  @Test(arguments: [true, false])
  func `of one that publishes and one that undoes the first to decide has its way`(
    isPublished: Bool
  ) throws {
    let (scene, saved) = try makeSlowScene()
    defer { scene.remove() }
    // The partial, the image, the scratch file and the manifest come before.
    let publisher = try Program.start(
      scene.libvirt, scene.arguments("backup-create", Self.slowly("q")),
      environment: [
        "VIRSH_BACKUP_STOP_\(isPublished ? "AT" : "BEFORE")": "virStorageVolCreateXML#5"
      ])
    defer { publisher.signal(SIGKILL) }
    try scene.awaitCopy(of: "q")
    // The copies have ended before it cancels them.
    let undoer = try scene.startStopped("backup-jobabort", before: "job-cancel")
    defer { undoer.signal(SIGKILL) }
    try scene.setSpeed(0)
    try eventually("it is stopped") { publisher.isStopped }
    let aborted = try undoer.finish()
    let created = try publisher.finish()

    #expect((created.status == 0) == isPublished, "\(created)")
    #expect((aborted.status == 0) != isPublished, "\(aborted)")
    #expect(try scene.points() == (isPublished ? ["p", "q"] : ["p"]))
    if isPublished { #expect(try scene.differences("q", saved) == []) }
    try expectNoChangeLost(scene)
  }

  @Test func `what was decided to be published is, also when its QEMU is gone`() throws {
    let (scene, saved) = try makeScene()
    defer { scene.remove() }
    let killed = try scene.run(
      "backup-create", "--backupname", "q",
      environment: ["VIRSH_BACKUP_KILL_AT": "virStorageVolCreateXML#5"])
    #expect(killed.ending == .signalled(SIGKILL))
    try scene.libvirt.virsh("destroy", scene.domain.name)
    try scene.run("backup-jobinfo").expectSuccess()

    #expect(try scene.points() == ["p", "q"])
    #expect(try scene.differences("q", saved) == [])
    try scene.expectNoStrays()
  }

  @Test func `a client that is slow tells of what another published for it`() throws {
    let (scene, saved) = try makeSlowScene()
    defer { scene.remove() }
    let slow = try Program.start(
      scene.libvirt, scene.arguments("backup-create", Self.slowly("q")))
    defer { slow.signal(SIGKILL) }
    try scene.awaitCopy(of: "q")
    slow.signal(SIGSTOP)
    try scene.endCopies()
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p", "q"])
    try slow.finish().expectSuccess()

    #expect(try scene.differences("q", saved) == [])
    try expectNoChangeLost(scene)
  }

  @Test func `copies that another client deleted are not told to be made`() throws {
    let document = try DocumentScene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    let scene = document.scene
    defer { document.remove() }
    try scene.domain.write("vda", "write -P 1 0 7M")
    let copies = try document.document(
      """
      <domainbackup><disks><disk name='vda' type='file'><target file='@/a.qcow2'/></disk></disks>
      </domainbackup>
      """)
    let publisher = try Program.start(
      scene.libvirt, scene.arguments("backup-create", [copies, "--bandwidth", "1"]),
      environment: ["VIRSH_BACKUP_STOP_AT": "blockdev-del"])
    defer { publisher.signal(SIGKILL) }
    try eventually("it copies") { try scene.domain.jobs().contains { $0.hasSuffix(" running") } }
    let undoer = try scene.startStopped("backup-jobabort", before: "job-cancel")
    defer { undoer.signal(SIGKILL) }
    try scene.setSpeed(0)
    try eventually("it is stopped") { publisher.isStopped }
    try undoer.finish().expectSuccess()
    let made = try publisher.finish()

    #expect(made.status == 1 && made.stderr.contains("another client"), "\(made)")
    #expect(try document.copies() == [])
    try scene.expectNoStrays()
  }
}
