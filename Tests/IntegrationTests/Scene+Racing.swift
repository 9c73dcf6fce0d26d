// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import TestSupport
import Testing

/// Clients that are stopped in the midst of what they do, so that others come in between.
extension Scene {
  /// Starts a client and waits until it is stopped, before one call or after another.
  func startStopped(
    _ command: String, _ options: [String] = [], before: String = "nothing", at: String = "nothing"
  ) throws -> RunningCommand {
    let client = try Program.start(
      libvirt, arguments(command, options),
      environment: ["VIRSH_BACKUP_STOP_BEFORE": before, "VIRSH_BACKUP_STOP_AT": at])
    try awaitStop(client)
    #expect(!client.hasEnded, "\(command) \(options)")
    return client
  }

  /// Lets a client go on until it is stopped again or ends.
  func goOn(_ client: RunningCommand) throws {
    client.signal(SIGCONT)
    try awaitStop(client)
  }

  /// Lets a client go on until it ends.
  func finish(_ client: RunningCommand) throws -> CommandResult {
    client.signal(SIGCONT)
    return try client.wait()
  }

  private func awaitStop(_ client: RunningCommand) throws {
    try eventually("it is stopped", within: .seconds(60)) {
      RacingDeletesTests.isStopped(client.pid) || client.hasEnded
    }
  }

  /// Lets copies that crawl end, and waits for that.
  func endCopies() throws {
    try setSpeed(0)
    try eventually("the copies have ended") {
      try domain.jobs().allSatisfy { $0.hasSuffix(" pending") || $0.hasSuffix(" concluded") }
    }
  }
}
