// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Clients that are stopped in the midst of what they do, so that others come in between.
extension Program {
  /// Starts a client and waits until it is stopped, before one call or after another.
  static func startStopped(
    _ libvirt: PrivateLibvirt, _ arguments: [String], before: String = "nothing",
    at: String = "nothing"
  ) throws -> RunningCommand {
    let client = try start(
      libvirt, arguments,
      environment: ["VIRSH_BACKUP_STOP_BEFORE": before, "VIRSH_BACKUP_STOP_AT": at])
    try client.awaitStop()
    #expect(!client.hasEnded, "\(arguments)")
    return client
  }
}

extension RunningCommand {
  /// The third field of its `stat` says that it is stopped.
  var isStopped: Bool {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    return text.split(separator: ")").last?.split(separator: " ").first == "T"
  }

  /// Waits until it is stopped or ends.
  func awaitStop() throws {
    try eventually("it is stopped", within: .seconds(60)) { isStopped || hasEnded }
  }

  /// Lets it go on until it is stopped again or ends.
  func goOn() throws {
    signal(SIGCONT)
    try awaitStop()
  }

  /// Lets it go on to its end.
  @discardableResult
  func finish() throws -> CommandResult {
    signal(SIGCONT)
    return try wait()
  }
}

extension Scene {
  /// Starts a client on the domain and the pool and waits until it is stopped.
  func startStopped(
    _ command: String, _ options: [String] = [], before: String = "nothing", at: String = "nothing"
  ) throws -> RunningCommand {
    try Program.startStopped(libvirt, arguments(command, options), before: before, at: at)
  }

  /// Lets copies that crawl end, and waits for that.
  func endCopies() throws {
    try setSpeed(0)
    try eventually("the copies have ended") {
      try domain.jobs().allSatisfy { $0.hasSuffix(" pending") || $0.hasSuffix(" concluded") }
    }
  }
}
