// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A guest that counts on two disks, and clients that stop in the midst of its instant.
struct StoppedClients {
  let scene: Scene

  /// Makes the guest and waits until it writes.
  init(_ libvirt: PrivateLibvirt) throws {
    scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 16 << 20), TestDisk("vdb", .raw, size: 16 << 20)],
      counting: true)
    try awaitWrites()
  }

  func remove() { scene.remove() }

  /// Waits until the guest writes.
  func awaitWrites() throws { try #require(scene.domain.guest).awaitWrites(20) }

  /// Starts a client and waits until it has stopped itself after a call; by default one that it makes
  /// at the instant.
  func stopClient(
    _ command: String, at call: String = "transaction",
    atStart: (RunningCommand) throws -> Void = { _ in }
  ) throws -> RunningCommand {
    let client = try Program.start(
      scene.libvirt,
      scene.arguments(command, ["--backupname", scene.libvirt.uniqueName("stopped")]),
      environment: ["VIRSH_BACKUP_STOP_AT": call])
    try atStart(client)
    try eventually("the client stops", every: .milliseconds(10)) {
      if client.hasEnded { throw CommandError("\(try client.wait())") }
      return Self.state(of: client.pid) == "T"
    }
    return client
  }

  /// The processes that guard this domain.
  func guards() throws -> [pid_t] {
    let uuid = try scene.libvirt.uuid(of: scene.domain.name)
    let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap {
      pid_t($0)
    }
    let guards = processes.filter { pid in
      let arguments = (FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data())
        .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return arguments.contains("backup-guard") && arguments.contains(uuid)
    }
    #expect(guards.count == 1)
    return guards
  }

  private static func state(of pid: pid_t) -> Substring? {
    let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    return text?.split(separator: ")").last?.split(separator: " ").first
  }

  /// Expects that the guest runs within six seconds.
  func expectRunning(
    _ when: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    do {
      try eventually("the guest runs", within: .seconds(6), every: .milliseconds(100)) {
        try scene.domain.state() == "running"
      }
      try awaitWrites()
    } catch {
      Issue.record("\(when): \(error)", sourceLocation: sourceLocation)
      try scene.libvirt.virsh("resume", scene.domain.name)
    }
  }

  /// Expects that nothing came of a client.
  func expectNothingMade(
    _ command: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try scene.points() == [], "\(command)", sourceLocation: sourceLocation)
    try scene.expectNoStrays(command, sourceLocation: sourceLocation)
    #expect(try scene.sessionState() == nil, "\(command)", sourceLocation: sourceLocation)
  }

  /// Expects that a point can be made, and that the guest never saw an error.
  func expectGood() throws {
    try scene.run("backup-create", "--backupname", "good").expectSuccess()
    let first = try CounterGuest.counter(in: scene.image("good", "vda"), .qcow2)
    let second = try CounterGuest.counter(in: scene.image("good", "vdb"), .qcow2)
    #expect(first >= second && first - second <= 1, "\(first) and \(second)")
    #expect(scene.domain.guest?.report().failed == 0)
  }
}
