// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// The guest's own agent freezes its file systems for an instant, and they go on whatever dies.
struct QuiesceTests {
  @Test(arguments: LibvirtMode.available)
  func `a quiesced point and a quiesced session hold file systems that need no recovery`(
    mode: LibvirtMode
  ) throws {
    let linux = try LinuxScene(mode)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    try linux.awaitAgent(of: linux.domain.name)

    let point = try linux.backUp("point", "--quiesce")
    try linux.expectThawed("after a point")
    let info = try scene.run("backup-info", "point", "--xml").expectSuccess().stdout
    #expect(info.contains("<consistency>filesystem</consistency>"), "\(info)")
    for disk in ["vda", "vdb"] { try linux.expectClean(scene.image("point", disk), .qcow2) }
    try linux.expectGood(linux.restore(point), recovered: false)

    let session = try scene.startSession("session", "--quiesce")
    try linux.expectThawed("while a session is served")
    for disk in ["vda", "vdb"] {
      let copy = "\(linux.domain.directory)/\(disk).copy"
      try session.copy(disk, to: copy)
      try linux.expectClean(copy, .raw)
    }
    try scene.finishSession()
    try linux.expectThawed("after a session")

    // The same without, so that it is known what this shows.
    try linux.console.awaitLines(1)
    let plain = try linux.backUp("plain")
    let text = try scene.run("backup-info", "plain", "--xml").expectSuccess().stdout
    #expect(text.contains("<consistency>crash</consistency>"), "\(text)")
    #expect(plain.newest >= plain.oldest)
    #expect(try linux.domain.linux?.damage(in: scene.image("plain", "vda"), .qcow2) != nil)
    try scene.expectNoSessions()
  }

  @Test(arguments: LibvirtMode.available)
  func `a guest is thawed when the client that froze it is killed`(mode: LibvirtMode) throws {
    let linux = try LinuxScene(mode)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    try linux.awaitAgent(of: linux.domain.name)
    let calls =
      try linux.libvirt.suspendsGuests()
      ? ["stop", "transaction", "virDomainResume"] : ["qom-set", "transaction", "blockdev-reopen"]
    for command in ["backup-create", "backup-start-nbd"] {
      for call in [nil, "guest-fsfreeze-freeze"] + calls + ["guest-fsfreeze-thaw"] {
        let killed = try kill(command, at: call, linux)
        let when = "\(command), \(call ?? "while it froze")"
        // It is the client, or else the process that holds the guest, which makes the call.
        let isClient = [nil, "qom-set", "transaction", "blockdev-reopen"].contains(call)
        #expect(
          isClient ? killed.ending == .signalled(SIGKILL) : killed.status != 0,
          "\(when): \(killed)")
        // Nobody has settled yet.
        try linux.expectThawed(when)
        #expect(try linux.domain.state() == "running", "\(when)")
        if try scene.sessionState() != nil { try scene.finishSession("--failed") }
        try scene.expectNoSessions(when)
      }
    }
    let point = try linux.backUp("point", "--quiesce")
    try linux.expectGood(linux.restore(point), recovered: false)
  }

  /// Runs a client that is killed right after one of its calls; for nil while the freeze is under way.
  private func kill(_ command: String, at call: String?, _ linux: LinuxScene) throws
    -> CommandResult
  {
    let trace = "\(linux.domain.directory)/\(linux.libvirt.uniqueName("trace"))"
    let client = try Program.start(
      linux.libvirt,
      linux.scene.arguments(command, ["--backupname", "killed", "--quiesce"]),
      environment: call.map { ["VIRSH_BACKUP_KILL_AT": $0] } ?? ["VIRSH_BACKUP_TRACE_CALLS": trace])
    if call == nil {
      try eventually("the freeze begins", within: .seconds(120), every: .milliseconds(1)) {
        let calls = try? String(contentsOfFile: trace, encoding: .utf8)
        return calls?.contains("guest-fsfreeze-freeze") == true || client.hasEnded
      }
      client.signal(SIGKILL)
    }
    return try client.wait()
  }
}
