// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Several clients that end one delete, of which one is stopped until the others are done.
struct RacingMergesTests {
  /// Points that each stand on the one before; the guest runs.
  private static func make(
    _ points: [String], mode: LibvirtMode = .session, directory: String? = nil
  ) throws -> Scene {
    let scene = try Scene(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 2 << 20)], directory: directory)
    do {
      for (number, point) in points.enumerated() {
        try scene.domain.write("vda", "write -P \(number + 1) \(number * 300)k 100k")
        try scene.run("backup-create", "--backupname", point).expectSuccess()
      }
      return scene
    } catch {
      scene.remove()
      throw error
    }
  }

  /// Leaves a delete that is written down and not begun.
  ///
  /// - Returns: The name of its helper domain; nil where it needs none.
  @discardableResult
  private static func leaveDelete(_ scene: Scene, of point: String) throws -> String? {
    let result = try scene.run(
      "backup-delete", point, environment: ["VIRSH_BACKUP_KILL_AT": "write"])
    #expect(result.ending == .signalled(SIGKILL), "\(result)")
    let note = try #require(try scene.pool.files().first { $0.hasSuffix(".partial.xml") })
    let text = try String(contentsOfFile: scene.pool.path(note), encoding: .utf8)
    return (text.firstMatch(of: /virsh-backup-[0-9a-f]{12}/)?.output).map(String.init)
  }

  /// Starts a client that settles, and waits until it is stopped.
  private static func startSettling(
    _ scene: Scene, _ environment: [String: String]
  ) throws -> RunningCommand {
    let client = try Program.start(
      scene.libvirt, scene.arguments("backup-jobinfo", []), environment: environment)
    try client.awaitStop()
    #expect(!client.hasEnded)
    return client
  }

  /// Lets a client go on to its end, which must be a good one.
  private static func end(_ client: RunningCommand) throws {
    let result = try client.finish()
    #expect(result.status == 0 && result.stderr == "", "\(result)")
  }

  @Test(arguments: [
    ["VIRSH_BACKUP_STOP_BEFORE": "block-dirty-bitmap-remove"],
    ["VIRSH_BACKUP_STOP_AT": "virStorageVolDelete"],
  ])
  func `who ends a delete late leaves a newer backup of the same name`(
    stop: [String: String]
  ) throws {
    let scene = try Self.make(["mon"])
    defer { scene.remove() }
    try Self.leaveDelete(scene, of: "mon")
    let late = try Self.startSettling(scene, stop)
    defer { late.signal(SIGKILL) }
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == [])
    try scene.domain.write("vda", "write -P 9 1M 100k")
    let saved = try scene.domain.save()
    try scene.run("backup-create", "--backupname", "mon").expectSuccess()
    try Self.end(late)

    #expect(try scene.points() == ["mon"])
    #expect(try scene.differences("mon", saved) == [])
    try scene.expectNoStrays()
  }

  /// Where the late client is stopped, and what becomes of the point that has taken something over
  /// before it goes on.
  enum Race: CaseIterable, Sendable {
    /// Before its first look at the helper.
    case rewrittenSinceStart
    /// When it is about to rename what it has written.
    case rewrittenSinceLook, deletedSinceLook
  }

  @Test(arguments: Race.allCases)
  func `who ends a delete late writes no manifest that was rewritten or deleted since`(
    race: Race
  ) throws {
    let scene = try Self.make(["p1", "p2", "p3"])
    defer { scene.remove() }
    let saved = try scene.domain.save()
    let helper = try #require(try Self.leaveDelete(scene, of: "p2"))
    let late = try Self.startSettling(
      scene, ["VIRSH_BACKUP_STOP_BEFORE": race == .rewrittenSinceStart ? helper : "replace"])
    defer { late.signal(SIGKILL) }
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p1", "p3"])
    let isDeleted = race == .deletedSinceLook
    try scene.run("backup-delete", isDeleted ? "p3" : "p1").expectSuccess()
    try Self.end(late)

    #expect(try scene.points() == (isDeleted ? ["p1"] : ["p3"]))
    if !isDeleted {
      #expect(try scene.run("backup-info", "p3").stdout.contains(/Type: +full\n/))
      #expect(try scene.differences("p3", saved) == [])
    }
    try scene.expectNoStrays()
  }

  @Test(.enabled(if: getuid() == 0))
  func `who sees the pool through libvirt alone deletes no manifest of a delete that has ended`()
    throws
  {
    let libvirt = try PrivateLibvirt.shared(.system)
    let hidden = try libvirt.makeDirectory("hidden")
    defer { try? FileManager.default.removeItem(atPath: hidden) }
    let directory = "\(hidden)/pool"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    try libvirt.giveToDaemon(directory)
    let scene = try Self.make(["p1", "p2", "p3"], mode: .system, directory: directory)
    defer { scene.remove() }
    let saved = try scene.domain.save()
    try Self.leaveDelete(scene, of: "p2")
    let late = try Command.start(
      "unshare",
      [
        "--mount", "bash", "-c", "mount -t tmpfs hidden \"$0\" && exec \"$@\"", hidden, "env",
        "VIRSH_BACKUP_STOP_BEFORE=replace", "VIRSH_BACKUP_KILL_AT=virStorageVolDelete",
        Program.path, "-c", libvirt.uri,
      ] + scene.arguments("backup-jobinfo", []))
    defer { late.signal(SIGKILL) }
    try late.awaitStop()
    #expect(!late.hasEnded)
    try scene.run("backup-jobinfo").expectSuccess()
    #expect(try scene.points() == ["p1", "p3"])
    try Self.end(late)

    #expect(try scene.points() == ["p1", "p3"])
    #expect(try scene.differences("p3", saved) == [])
    try scene.expectNoStrays()
  }

  @Test(arguments: [false, true])
  func `a client that merges is not disturbed by others, until the user cancels it`(
    isCancelled: Bool
  ) throws {
    let scene = try Self.make(["p1", "p2", "p3"])
    defer { scene.remove() }
    let saved = try scene.domain.save()
    let helper = try #require(try Self.leaveDelete(scene, of: "p2"))
    let merging = try Self.startSettling(scene, ["VIRSH_BACKUP_STOP_AT": "block-stream"])
    defer { merging.signal(SIGKILL) }
    let other = try scene.run("backup-jobinfo").expectSuccess()
    #expect(other.stderr == "", "\(other)")
    #expect(try scene.libvirt.domainNames().contains(helper))
    if isCancelled { try scene.run("backup-jobabort").expectSuccess() }
    try Self.end(merging)

    #expect(try scene.points() == (isCancelled ? ["p1", "p2", "p3"] : ["p1", "p3"]))
    #expect(try scene.differences("p3", saved) == [])
    try scene.expectNoStrays()
  }
}
