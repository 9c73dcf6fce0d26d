// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Whatever stops or dies while a guest is suspended for an instant: the guest goes on, and no point
/// is made of what was no instant.
@Suite(.enabled { try PrivateLibvirt.shared(.session).suspendsGuests() })
struct SuspendedGuestTests {
  private static let commands = ["backup-create", "backup-start-nbd"]

  @Test(arguments: LibvirtMode.available)
  func `a client that is stopped inside the suspension keeps the guest for a few seconds only`(
    mode: LibvirtMode
  ) throws {
    let suspension = try StoppedClients(.shared(mode))
    defer { suspension.remove() }
    for round in 0..<Rounds.count(1) {
      for command in Self.commands {
        let client = try suspension.stopClient(command)
        try suspension.expectRunning("\(command), round \(round)")
        client.signal(SIGCONT)
        let result = try client.wait()
        #expect(
          result.status == 1 && result.stderr.contains("was not held"), "\(result)")
        try suspension.expectNothingMade(command)
      }
    }
    try suspension.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest whose client and guard are killed is named, and goes on with the next command`(
    mode: LibvirtMode
  ) throws {
    let suspension = try StoppedClients(.shared(mode))
    defer { suspension.remove() }
    let scene = suspension.scene
    for round in 0..<Rounds.count(1) {
      for command in Self.commands {
        let client = try suspension.stopClient(command)
        for pid in try suspension.guards() { kill(pid, SIGKILL) }
        client.signal(SIGKILL)
        try client.wait()
        #expect(try scene.domain.state() == "paused", "\(command), round \(round)")
        let list = try Program.run(scene.libvirt, ["backup-list", "--pool", scene.pool.name])
        let told =
          "domain '\(scene.domain.name)' is suspended since a backup was broken off: 'virsh resume "
          + "\(scene.domain.name)' or the next backup command on it resumes it"
        #expect(list.status == 0 && list.stderr.contains(told), "\(list)")
        #expect(try scene.domain.state() == "paused")
        let info = try scene.run("backup-jobinfo").expectSuccess()
        #expect(info.stderr.contains("resumed") || info.stdout.contains("resumed"), "\(info)")
        try suspension.expectRunning("\(command), round \(round)")
        try suspension.expectNothingMade(command)
      }
    }
    try suspension.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest goes on when the daemon is killed inside the suspension and comes back`(
    mode: LibvirtMode
  ) throws {
    let libvirt = try PrivateLibvirt(mode)
    defer { libvirt.close() }
    let suspension = try StoppedClients(libvirt)
    let scene = suspension.scene
    for round in 0..<Rounds.count(1) {
      for command in Self.commands {
        let client = try suspension.stopClient(command)
        try libvirt.kill()
        // The client loses its connection, or never learns of anything.
        client.signal(round % 2 == 0 ? SIGCONT : SIGKILL)
        let result = try client.wait()
        #expect(result.status != 0, "\(result)")
        try libvirt.start()
        _ = try? libvirt.virsh("pool-start", scene.pool.name)
        try suspension.expectRunning("\(command), round \(round)")
        try scene.run("backup-jobinfo").expectSuccess()
        try suspension.expectNothingMade(command)
      }
    }
    try suspension.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guard that is killed does not leave the guest suspended`(mode: LibvirtMode) throws {
    let suspension = try StoppedClients(.shared(mode))
    defer { suspension.remove() }
    for command in Self.commands {
      let client = try suspension.stopClient(command)
      for pid in try suspension.guards() { kill(pid, SIGKILL) }
      client.signal(SIGCONT)
      let result = try client.wait()
      #expect(result.status == 1 && result.stderr.contains("error: "), "\(result)")
      try suspension.expectRunning(command)
      try suspension.expectNothingMade(command)
    }
    try suspension.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guard outlives what ends a service`(mode: LibvirtMode) throws {
    let suspension = try StoppedClients(.shared(mode))
    defer { suspension.remove() }
    for command in Self.commands {
      let client = try suspension.stopClient(command)
      for pid in try suspension.guards() {
        for signal in [SIGHUP, SIGINT, SIGTERM] { kill(pid, signal) }
      }
      client.signal(SIGKILL)
      try client.wait()
      try suspension.expectRunning(command)
      try suspension.scene.run("backup-jobinfo").expectSuccess()
      try suspension.expectNothingMade(command)
    }
  }

  @Test(.enabled(if: ControlGroup.root != nil && LibvirtMode.available.contains(.system)))
  func `a guard is not in the control group of its client, which is killed as a whole`() throws {
    let suspension = try StoppedClients(.shared(.system))
    defer { suspension.remove() }
    let group = try ControlGroup()
    defer { group.remove() }
    let client = try suspension.stopClient("backup-create") { try group.take($0.pid) }
    let guards = try suspension.guards()
    let members = try group.members()
    #expect(members.contains(client.pid) && guards.allSatisfy { !members.contains($0) })
    try group.killAll()
    try client.wait()
    try suspension.expectRunning("")
    try suspension.scene.run("backup-jobinfo").expectSuccess()
    try suspension.expectNothingMade("")
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest that an administrator suspends before the instant stays suspended`(
    mode: LibvirtMode
  ) throws {
    let suspension = try StoppedClients(.shared(mode))
    defer { suspension.remove() }
    let scene = suspension.scene
    func resume() throws {
      try scene.libvirt.virsh("resume", scene.domain.name)
      try suspension.awaitWrites()
    }
    for command in Self.commands {
      // While the client sets up.
      let client = try suspension.stopClient(command, at: "blockdev-add")
      try scene.libvirt.virsh("suspend", scene.domain.name)
      client.signal(SIGCONT)
      // It is an instant all the same.
      try client.wait().expectSuccess()
      #expect(try scene.domain.state() == "paused", "\(command)")
      if command == "backup-start-nbd" { try scene.finishSession() }
      try resume()

      // And where nobody but the next command is left to take it back.
      let killed = try suspension.stopClient(command, at: "blockdev-add")
      try scene.libvirt.virsh("suspend", scene.domain.name)
      killed.signal(SIGKILL)
      try killed.wait()
      try scene.run("backup-jobinfo").expectSuccess()
      #expect(try scene.domain.state() == "paused", "\(command)")
      try resume()
    }
    try suspension.expectGood()
  }
}

/// A control group of the kernel's second version, as services are in.
private struct ControlGroup {
  /// Where groups are; nil where we may make none.
  static let root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
    access("\($0)/cgroup.controllers", F_OK) == 0 && access("\($0)/cgroup.procs", W_OK) == 0
  }

  private let path: String

  init() throws {
    path = "\(Self.root ?? "")/virsh-backup-test-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false)
  }

  /// Moves a process into it.
  func take(_ pid: pid_t) throws {
    try "\(pid)".write(toFile: "\(path)/cgroup.procs", atomically: false, encoding: .utf8)
  }

  /// The processes in it.
  func members() throws -> [pid_t] {
    try String(contentsOfFile: "\(path)/cgroup.procs", encoding: .utf8).split(separator: "\n")
      .compactMap { pid_t($0) }
  }

  /// Kills all of them.
  func killAll() throws { for pid in try members() { kill(pid, SIGKILL) } }

  func remove() {
    for _ in 0..<50 where rmdir(path) != 0 { usleep(20000) }
  }
}
