// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A guest that runs on while several disks are frozen at one instant.
@Suite(.enabled { try !PrivateLibvirt.shared(.session).suspendsGuests() })
struct RunningInstantTests {
  private static let commands = ["backup-create", "backup-start-nbd"]

  @Test(arguments: LibvirtMode.available)
  func `a guest is not suspended, and its disks are of one instant`(mode: LibvirtMode) throws {
    let clients = try StoppedClients(.shared(mode))
    defer { clients.remove() }
    let scene = clients.scene
    let events = try Command.start(
      "virsh",
      ["-c", scene.libvirt.uri, "event", scene.domain.name, "--event", "lifecycle", "--loop"])
    for round in 0..<Rounds.count(5) {
      let point = "p\(round)"
      try scene.run("backup-create", "--backupname", point).expectSuccess()
      let first = try CounterGuest.counter(in: scene.image(point, "vda"), .qcow2)
      let second = try CounterGuest.counter(in: scene.image(point, "vdb"), .qcow2)
      #expect(first >= second && first - second <= 1, "\(point): \(first) and \(second)")
      try clients.awaitWrites()
    }
    // The guest that is suspended now shows that it would have been seen.
    try scene.libvirt.virsh("suspend", scene.domain.name)
    try scene.libvirt.virsh("resume", scene.domain.name)
    try eventually("the event of the suspension") { events.outputSoFar.contains("Resumed") }
    events.signal(SIGINT)
    let told = try events.wait().stdout
    #expect(told.split(separator: "Suspended").count == 2, "\(told)")
    try clients.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a client that stops or dies in the midst of the instant holds nothing`(
    mode: LibvirtMode
  ) throws {
    let clients = try StoppedClients(.shared(mode))
    defer { clients.remove() }
    for command in Self.commands {
      for call in ["qom-set", "transaction", "blockdev-reopen"] {
        let stopped = try clients.stopClient(command, at: call)
        try clients.awaitWrites()
        stopped.signal(SIGKILL)
        try stopped.wait()
        try clients.awaitWrites()
        try clients.scene.run("backup-jobinfo").expectSuccess()
        try clients.expectNothingMade("\(command), \(call)")
        try clients.awaitWrites()

        // One that goes on makes what it was to make.
        let late = try clients.stopClient(command, at: call)
        try clients.awaitWrites()
        late.signal(SIGCONT)
        try late.wait().expectSuccess()
        if command == "backup-start-nbd" { try clients.scene.finishSession() }
        for point in try clients.scene.points() {
          try clients.scene.run("backup-delete", point).expectSuccess()
        }
      }
    }
    try clients.expectGood()
  }

  @Test(arguments: LibvirtMode.available)
  func `a client that dies while it ends a session leaves the rest to the next one`(
    mode: LibvirtMode
  ) throws {
    let clients = try StoppedClients(.shared(mode))
    defer { clients.remove() }
    let scene = clients.scene
    for call in ["qom-set", "blockdev-del", "block-export-del"] {
      try scene.run("backup-start-nbd", "--backupname", "session").expectSuccess()
      let killed = try scene.run(
        "backup-finish-nbd", "--failed", environment: ["VIRSH_BACKUP_KILL_AT": call])
      #expect(killed.ending == .signalled(SIGKILL), "\(killed)")
      try clients.awaitWrites()
      try scene.run("backup-jobinfo").expectSuccess()
      try clients.expectNothingMade(call)
      try clients.awaitWrites()
    }
    try clients.expectGood()
  }
}
