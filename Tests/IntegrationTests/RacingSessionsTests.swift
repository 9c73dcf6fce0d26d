// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Clients that end, or settle, one NBD session at the same time.
struct RacingSessionsTests {
  /// A domain that has finished session `base`, and session `s` based on it.
  private func makeScene() throws -> Scene {
    let scene = try Scene(PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 2 << 20)])
    do {
      try scene.startSession("base")
      try scene.finishSession()
      try scene.domain.write("vda", "write -P 1 0 100k")
      try scene.startSession("s", "--parent", "base")
      return scene
    } catch {
      scene.remove()
      throw error
    }
  }

  /// Expects that no session is left, and which the next may be based on.
  private func expectEnded(_ scene: Scene, recorded: String) throws {
    try expect(scene.recordedSessions(), [recorded])
    try scene.expectNoSessions()
  }

  @Test func `a session that is finished while another client looks at it stays finished`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let other = try scene.startStopped(
      "backup-create", ["--backupname", "p"], before: "query-block-exports")
    defer { other.signal(SIGKILL) }
    try scene.finishSession()
    try other.finish().expectSuccess()
    try expectEnded(scene, recorded: "s")
  }

  @Test func `of two clients that finish a session none takes it back`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    // It looks for the nodes that the other takes down.
    let second = try scene.startStopped("backup-finish-nbd", before: "query-named-block-nodes")
    defer { second.signal(SIGKILL) }
    try scene.finishSession()
    let result = try second.finish()
    #expect(
      result.status == 0 || result.stderr.contains("ended by another client"), "\(result)")
    try expectEnded(scene, recorded: "s")
  }

  @Test func `clients that end a session differently agree on what stays`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let failing = try scene.startStopped(
      "backup-finish-nbd", ["--failed"], before: "block-export-del")
    defer { failing.signal(SIGKILL) }
    let finished = try scene.run("backup-finish-nbd", "s")
    let failed = try failing.finish()
    #expect((finished.status == 0) != (failed.status == 0), "\(finished)\n\(failed)")
    try expectEnded(scene, recorded: finished.status == 0 ? "s" : "base")
  }

  @Test func `a client that ends a session late leaves a later one of that name`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let late = try scene.startStopped("backup-finish-nbd", ["--failed"], at: "blockdev-del")
    defer { late.signal(SIGKILL) }
    try scene.run("backup-jobabort").expectSuccess()
    let references = try scene.domain.save()
    let session = try scene.startSession("s", "--parent", "base")
    let files = try scene.pool.files()
    try late.finish()
    try expect(scene.pool.files(), files)
    try expect(scene.sessionState(), "s running")
    let copy = "\(scene.domain.directory)/copy"
    try scene.domain.write("vda", "write -P 2 1M 100k")
    try session.copy("vda", to: copy)
    #expect(try references["vda"]?.difference(from: copy, format: .raw) == nil)
    try scene.finishSession()
    try expectEnded(scene, recorded: "s")
  }

  @Test func `a session that is served at last is left to its readers`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    try scene.finishSession()
    let starting = try scene.startStopped(
      "backup-start-nbd", ["--backupname", "t", "--parent", "s"], before: "block-export-add")
    defer { starting.signal(SIGKILL) }
    let other = try scene.startStopped("backup-jobinfo", at: "query-block-exports")
    defer { other.signal(SIGKILL) }
    try starting.finish().expectSuccess()
    try other.finish().expectSuccess()
    try expect(scene.sessionState(), "t running")
    try scene.finishSession()
    try expectEnded(scene, recorded: "t")
  }

  @Test func `a look at the instant that another client cancelled is taken again`() throws {
    let scene = try makeScene()
    defer { scene.remove() }
    let nodes = try scene.libvirt.monitor(scene.domain.name, "query-named-block-nodes")
    let names = (nodes as? [[String: Any]] ?? []).compactMap { $0["node-name"] as? String }
    let sample = try #require(names.first { $0.hasSuffix("-sample") })
    let stem = sample.dropLast("sample".count)
    let job = """
      {"job-id": "\(sample)", "device": "\(sample)", "target": "\(stem)null", "sync": "full",
       "filter-node-name": "\(stem)samplecbw", "auto-finalize": false, "auto-dismiss": false,
       "on-source-error": "report", "on-target-error": "report"}
      """
    _ = try scene.libvirt.monitor(scene.domain.name, "blockdev-mirror", job)
    _ = try scene.libvirt.monitor(scene.domain.name, "job-cancel", "{\"id\": \"\(sample)\"}")
    try eventually("it is cancelled") {
      try scene.domain.jobs().contains { $0.hasPrefix(sample) && $0.hasSuffix("concluded") }
    }
    try scene.finishSession()
    try expectEnded(scene, recorded: "s")
  }
}
