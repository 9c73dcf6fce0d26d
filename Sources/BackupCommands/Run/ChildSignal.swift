// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Tells of the ends of child processes by a pipe, which can be waited for beside others.
enum ChildSignal {
  /// Catches SIGCHLD while the body runs.
  ///
  /// - Parameter body: Gets a descriptor that is readable when a child has ended; it is emptied at each
  ///   turn by ``drain()``.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws.
  static func whileHeard<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
    // A handler must not be the first to make it.
    let reading = childPipe.reading
    var action = sigaction()
    action.__sigaction_handler.sa_handler = noteChild
    action.sa_flags = SA_RESTART | Int32(SA_NOCLDSTOP)
    var previous = sigaction()
    sigaction(SIGCHLD, &action, &previous)
    defer {
      sigaction(SIGCHLD, &previous, nil)
      drain()
    }
    return try body(reading)
  }

  /// Empties the pipe, before the children are asked whether they have ended.
  static func drain() { childPipe.drain() }
}

/// The pipe of SIGCHLD.
private let childPipe = SignalPipe()

private func noteChild(_ signal: Int32) { childPipe.note() }
