// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Agents that somebody else uses too, or that stop answering.
struct QuiesceAgentTests {
  private static let commands = ["backup-create", "backup-start-nbd"]

  @Test(arguments: LibvirtMode.available)
  func `what somebody else froze stays frozen`(mode: LibvirtMode) throws {
    let linux = try LinuxScene(mode)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    try linux.awaitAgent(of: linux.domain.name)
    for command in Self.commands {
      try linux.libvirt.virsh("domfsfreeze", linux.domain.name)
      let refused = try scene.run(command, "--quiesce")
      #expect(
        refused.status == 1 && refused.stderr.contains("frozen already; domfsthaw"), "\(refused)")
      #expect(try linux.isFrozen(), "\(command)")
      try scene.expectNoStrays(command)
      try linux.libvirt.virsh("domfsthaw", linux.domain.name)

      // One that was still setting up is taken back by the next, who finds them frozen.
      let killed = try scene.run(
        command, "--quiesce", "--backupname", "killed",
        environment: ["VIRSH_BACKUP_KILL_AT": "blockdev-add"])
      #expect(killed.ending == .signalled(SIGKILL))
      try linux.libvirt.virsh("domfsfreeze", linux.domain.name)
      try scene.run("backup-jobinfo").expectSuccess()
      try scene.expectNoStrays(command)
      #expect(try linux.isFrozen(), "\(command)")
      try linux.libvirt.virsh("domfsthaw", linux.domain.name)
    }
    try linux.expectThawed()
  }

  @Test(arguments: LibvirtMode.available)
  func `an agent that stops answering costs seconds, not the backup`(mode: LibvirtMode) throws {
    let linux = try LinuxScene(mode)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    try linux.awaitAgent(of: linux.domain.name)

    // It says that it is there, and nothing else.
    try linux.replaceAgent(answering: [:])
    let made = try scene.run("backup-create", "--backupname", "mute", timeout: .seconds(60))
    #expect(
      made.status == 0 && made.stdout.contains("the guest's agent does not answer"), "\(made)")
    #expect(made.duration < .seconds(30), "\(made)")
    for command in Self.commands {
      let refused = try scene.run(command, "--quiesce", timeout: .seconds(60))
      #expect(refused.status == 1 && refused.stderr.contains("error: "), "\(refused)")
      try scene.expectNoStrays(command)
    }
  }

  @Test func `a freeze that does not end fails the backup, and the guest goes on`() throws {
    let linux = try LinuxScene(.session)
    defer { linux.remove() }
    let scene = linux.scene
    try linux.console.awaitStart()
    try linux.awaitAgent(of: linux.domain.name)
    try linux.replaceAgent(answering: [
      "guest-fsfreeze-status": "\"thawed\"", "guest-fsfreeze-thaw": "0",
    ])
    for command in Self.commands {
      let refused = try scene.run(
        command, "--quiesce", environment: ["VIRSH_BACKUP_FREEZE_LIMIT": "2"],
        timeout: .seconds(60))
      #expect(refused.status == 1 && refused.stderr.contains("error: "), "\(refused)")
      #expect(refused.duration < .seconds(30), "\(refused)")
      try scene.expectNoStrays(command)
    }
    try linux.console.awaitLines(3)
    #expect(try linux.domain.state() == "running")
    #expect(linux.console.complaints == [])
  }
}

extension LinuxScene {
  /// Whether the guest's agent says that its file systems are frozen.
  fileprivate func isFrozen() throws -> Bool {
    try libvirt.virsh(
      "qemu-agent-command", domain.name, #"{"execute":"guest-fsfreeze-status"}"#
    ).contains("frozen")
  }

  /// Puts another agent in the place of QEMU's, which answers only whether it is there, and what it is
  /// told to.
  fileprivate func replaceAgent(answering replies: [String: String]) throws {
    let answers = replies.map { #"*\#($0)*) printf '{"return": %s}\n' '\#($1)' >&3 ;;"# }
    // The agent that starts this goes first; libvirt sends its commands a line each.
    let script = """
      usleep 200000
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat "$port/name")" = org.qemu.guest_agent.0 ] && device=/dev/${port##*/}
      done
      kill -9 $(pidof qemu-ga)
      until (exec 3<>"$device") 2>/dev/null; do usleep 50000; done
      echo another agent >/dev/console
      # libvirt may learn of the end after it learnt of the beginning: then it begins again.
      until exec 3<>"$device"; read -r -t 5 line <&3; do exec 3>&-; usleep 2000000; done
      while :; do
        case $line in
          *guest-sync*) id=${line##*id\\":}; printf '{"return": %s}\\n' "${id%%[!0-9]*}" >&3 ;;
          \(answers.joined(separator: "\n"))
        esac
        read -r line <&3
      done
      """
    let command: [String: Any] = [
      "execute": "guest-exec",
      "arguments": ["path": "/bin/busybox", "arg": ["sh", "-c", script]],
    ]
    let json = try JSONSerialization.data(withJSONObject: command)
    try libvirt.virsh("qemu-agent-command", domain.name, String(decoding: json, as: UTF8.self))
    try eventually("another agent answers", within: .seconds(90)) {
      console.text.contains("another agent")
        && (try? libvirt.virsh(
          "qemu-agent-command", domain.name, "--timeout", "5",
          #"{"execute":"guest-sync","arguments":{"id":7}}"#)) != nil
    }
  }
}
