// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Clients that go on late, when others have used the same names again.
struct RacingNamesTests {
  private func makeScene() throws -> Scene {
    let scene = try Scene(PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 8 << 20)])
    do {
      try scene.domain.write("vda", "write -P 1 0 7M")
      try scene.run("backup-create", "--backupname", "p").expectSuccess()
      return scene
    } catch {
      scene.remove()
      throw error
    }
  }

  @Test func `a client that undoes late deletes nothing of the next backup of that name`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    try Program.run(scene.libvirt, scene.slowCreate("q", ["--async"])).expectSuccess()
    try scene.awaitCopy(of: "q")
    // It looks who uses the images that it is about to delete; before, it looked for helpers twice.
    let late = try scene.startStopped("backup-jobabort", before: "virConnectListAllDomains#3")
    defer { late.signal(SIGKILL) }
    try scene.run("backup-jobabort").expectSuccess()
    let saved = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "q", "--full").expectSuccess()
    try late.finish()

    #expect(try scene.points() == ["p", "q"])
    #expect(try scene.differences("q", saved) == [])
    try scene.expectNoStrays()
  }

  @Test func `a client that finishes late takes no record of changes from the next backup`() throws
  {
    let scene = try makeScene()
    defer { scene.remove() }
    let late = try scene.startStopped(
      "backup-create", ["--backupname", "q", "--incremental"], before: "job-dismiss")
    defer { late.signal(SIGKILL) }
    try scene.domain.write("vda", "write -P 2 0 7M")
    try scene.run(
      "backup-create", "--backupname", "r", "--incremental", "--bandwidth", "1", "--async"
    ).expectSuccess()
    try scene.awaitCopy(of: "r")
    try scene.domain.write("vda", "write -P 3 1M 100k")
    try late.finish().expectSuccess()
    try scene.endCopies()
    try scene.run("backup-jobinfo").expectSuccess()

    #expect(try scene.points() == ["p", "q", "r"])
    let saved = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "s", "--incremental").expectSuccess()
    #expect(try scene.differences("s", saved) == [])
    try scene.expectNoStrays()
  }

  @Test func `a manifest that one writes late takes nothing back that was done to it since`() throws
  {
    let scene = try makeScene()
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 2 1M 100k")
    let saved = try scene.domain.save()
    let directory = try scene.libvirt.makeDirectory("late")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // It has made the volume of the manifest and not written it; the first it wrote was the partial.
    let late = try scene.startStopped(
      "backup-create", ["--backupname", "q", "--incremental"], before: "write#2")
    defer { late.signal(SIGKILL) }
    try scene.run("backup-jobinfo").expectSuccess()
    try scene.run("backup-delete", "p").expectSuccess()
    try late.finish().expectSuccess()

    #expect(try scene.points() == ["q"])
    #expect(try scene.differences("q", saved) == [])
    try scene.run("backup-restore", "q", "--no-define", "--target-pool", directory).expectSuccess()
    try scene.expectNoStrays()
  }
}
