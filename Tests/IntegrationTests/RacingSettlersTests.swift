// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import TestSupport
import Testing

/// A client that publishes a point and one that undoes it at the same time.
struct RacingSettlersTests {
  /// Starts a client and waits until it is stopped, before one call or after another.
  private func start(
    _ scene: Scene, _ command: String, _ options: [String], before: String, at: String
  ) throws -> RunningCommand {
    let client = try Program.start(
      scene.libvirt, scene.arguments(command, options),
      environment: ["VIRSH_BACKUP_STOP_BEFORE": before, "VIRSH_BACKUP_STOP_AT": at])
    try awaitStop(client)
    #expect(!client.hasEnded)
    return client
  }

  /// Lets a client go on until it is stopped again or ends.
  private func goOn(_ client: RunningCommand) throws {
    client.signal(SIGCONT)
    try awaitStop(client)
  }

  private func awaitStop(_ client: RunningCommand) throws {
    try eventually("it is stopped", within: .seconds(60)) {
      RacingDeletesTests.isStopped(client.pid) || client.hasEnded
    }
  }

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
    let publisher = try start(
      scene, "backup-create", ["--backupname", "q"], before: "blockdev-reopen", at: "blockdev-del")
    defer { publisher.signal(SIGKILL) }
    // It does not wait for that any longer and is about to cancel them; then it has taken the point's
    // record of changes away, or is done.
    let other = try start(
      scene, "backup-jobinfo", [], before: "job-cancel", at: "block-dirty-bitmap-remove")
    defer { other.signal(SIGKILL) }
    try goOn(publisher)
    try eventually("the copy has ended") {
      try scene.domain.jobs().allSatisfy { $0.hasSuffix(" concluded") }
    }
    try goOn(other)
    publisher.signal(SIGCONT)
    let published = try publisher.wait()
    other.signal(SIGCONT)
    _ = try other.wait()

    #expect(try scene.points() == (published.status == 0 ? ["p", "q"] : ["p"]))
    if published.status == 0 { #expect(try scene.differences("q", saved) == []) }
    try expectNoChangeLost(scene)
  }

  @Test func `a manifest that one is slow to write is not taken away by another`() throws {
    let (scene, saved) = try makeScene()
    defer { scene.remove() }
    // It has made the volume of the manifest and not written it; the first it wrote was the partial.
    let slow = try start(
      scene, "backup-create", ["--backupname", "q"], before: "write#2", at: "nothing")
    defer { slow.signal(SIGKILL) }
    let other = try start(
      scene, "backup-jobinfo", [], before: "virStorageVolDelete", at: "nothing")
    defer { other.signal(SIGKILL) }
    slow.signal(SIGCONT)
    try slow.wait().expectSuccess()
    other.signal(SIGCONT)
    try other.wait().expectSuccess()

    #expect(try scene.points() == ["p", "q"])
    #expect(try scene.differences("q", saved) == [])
    try expectNoChangeLost(scene)
  }
}
