// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Waits until a condition holds, by asking again and again: for things no event tells.
///
/// - Parameters:
///   - what: What is waited for, for the error.
///   - deadline: The longest time to wait.
///   - interval: The time between two questions; when nil it grows from 20 to 200 milliseconds, since
///     most questions start a program, which takes processor from what is waited for.
///   - condition: The question; its own errors end the waiting.
/// - Throws: `CommandError` when the condition does not hold in time, or what the condition throws.
package func eventually(
  _ what: String, within deadline: Duration = .seconds(30),
  every interval: Duration? = nil, _ condition: () throws -> Bool
) throws {
  let end = ContinuousClock.now + deadline
  var pause = interval ?? .milliseconds(20)
  while try !condition() {
    guard ContinuousClock.now < end else {
      throw CommandError("not within \(deadline): \(what)")
    }
    usleep(UInt32(pause / .microseconds(1)))
    if interval == nil { pause = min(pause * 1.3, .milliseconds(200)) }
  }
}
