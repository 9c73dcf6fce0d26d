// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A guest whose disks have threads of their own, and which keeps both busy, outlives what we do.
struct IOThreadTests {
  /// A way to work on the disks of a guest that runs.
  enum Way: String, CaseIterable {
    case backups, unprotectedBackups, sessions, unprotectedSessions
    case mappedBackups, mappedSessions

    var isSession: Bool {
      [.sessions, .unprotectedSessions, .mappedSessions].contains(self)
    }
    var ioThreads: LinuxScene.IOThreads {
      self == .mappedBackups || self == .mappedSessions ? .mapped : .each
    }
    var options: [String] {
      self == .unprotectedBackups || self == .unprotectedSessions ? ["--unprotected"] : []
    }
  }

  @Test(arguments: Way.allCases)
  func `a busy guest with a thread for each disk lives, and what it wrote is there`(
    way: Way
  ) throws {
    let version = try PrivateLibvirt.shared(.session).qemuVersion()
    guard version >= 9 || way.ioThreads == .each else { return }
    let linux = try LinuxScene(.session, ioThreads: way.ioThreads)
    defer { linux.remove() }
    let console = linux.console, scene = linux.scene
    try console.awaitStart()
    try console.awaitLines(3)
    let count = Rounds.count(way.isSession ? 4 : 8)
    var last: LinuxScene.Instant?
    for round in 0..<count {
      if way.isSession {
        if version < 9 {
          // Its NBD server would take the guest along when a client leaves.
          try scene.expectNoSession("backup-start-nbd --stored", way.options.first ?? "--protected")
          continue
        }
        let session = try scene.startSession("s\(round)", arguments: way.options)
        let copy = "\(scene.domain.directory)/copy"
        try session.copy("vda", to: copy)
        try FileManager.default.removeItem(atPath: copy)
        try scene.finishSession("--forget")
      } else {
        let oldest = console.written("vdb")
        try Program.run(
          linux.libvirt,
          scene.arguments("backup-create", ["--backupname", "p\(round)"] + way.options)
        ).expectSuccess()
        last = .init(point: "p\(round)", oldest: oldest, newest: console.written("vda"))
        // Chains do not matter here.
        if round > 0, round < count - 1 { try scene.run("backup-delete", "p0", "--children-only") }
      }
      #expect(try scene.domain.state() == "running", "\(way) \(round)")
    }
    try console.awaitLines(2)
    #expect(console.complaints == [], "\(way)")
    try scene.expectNoStrays()
    if let last {
      let copy = try linux.restore(last)
      try linux.expectGood(copy, recovered: true)
    }
  }

  @Test
  func `a busy guest with a thread for each disk is restored while it runs`() throws {
    let linux = try LinuxScene(.session, ioThreads: .each)
    defer { linux.remove() }
    let console = linux.console, scene = linux.scene
    try console.awaitStart()
    try console.awaitLines(3)
    let instant = try linux.backUp("p")
    for round in 0..<Rounds.count(1) {
      let name = "\(scene.domain.name)-\(round)"
      try scene.run(
        "backup-restore", "p", "--newname", name, "--target-pool", linux.restored.name, "--live"
      ).expectSuccess()
      let copy = LinuxScene.Copy(name: name, instant: instant)
      let restored = linux.console(of: name)
      try restored.awaitStart()
      try restored.awaitLines(3)
      #expect(restored.complaints == [], "\(round)")
      #expect(try #require(restored.found("vdb")) >= instant.oldest, "\(round)")
      try linux.shutDown(copy.name)
      for disk in ["vda", "vdb"] {
        let image = linux.restored.path("\(name)-\(disk).qcow2")
        try linux.expectClean(image, .qcow2)
      }
      try linux.libvirt.virsh("undefine", name)
      for disk in ["vda", "vdb"] {
        try FileManager.default.removeItem(
          atPath: linux.restored.path("\(name)-\(disk).qcow2"))
      }
    }
    try console.awaitLines(2)
    #expect(console.complaints == [])
  }
}
