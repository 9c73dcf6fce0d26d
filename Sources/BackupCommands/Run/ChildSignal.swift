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
    var action = sigaction()
    action.__sigaction_handler.sa_handler = noteChild
    action.sa_flags = SA_RESTART | Int32(SA_NOCLDSTOP)
    var previous = sigaction()
    sigaction(SIGCHLD, &action, &previous)
    defer {
      sigaction(SIGCHLD, &previous, nil)
      drain()
    }
    return try body(childPipe.reading)
  }

  /// Empties the pipe, before the children are asked whether they have ended.
  static func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(childPipe.reading, &bytes, bytes.count) > 0 {}
  }
}

/// A pipe for the whole process, since a signal handler can reach nothing else.
private let childPipe: (reading: Int32, writing: Int32) = {
  guard let pipe = Pipe() else { return (-1, -1) }
  for end in [pipe.reading, pipe.writing] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  return (pipe.reading, pipe.writing)
}()

/// Runs in the signal handler: one write(2) and nothing else.
private func noteChild(_ signal: Int32) {
  let before = errno
  var one: UInt8 = 1
  _ = write(childPipe.writing, &one, 1)
  errno = before
}
