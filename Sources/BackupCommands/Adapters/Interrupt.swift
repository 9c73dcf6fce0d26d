// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A mark that ^C and SIGTERM make while a command works, and at which the command looks.
///
/// Outside of a command both do what they always do.
final class Interrupt {
  /// Readable once the user asked to stop.
  let fileDescriptor: Int32
  /// The helper domains that the command has started, ended where they do not answer.
  let helpers = StartedHelpers()
  private var previous: [Int32: sigaction] = [:]

  /// Makes the mark; signals are not touched yet.
  init() { fileDescriptor = interruptPipe.reading }

  /// True once the user asked to stop.
  var isRequested: Bool {
    var entry = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0
  }

  /// Catches both signals while the body runs, and sees to it that neither they nor the deadline wait
  /// for a QEMU that does not answer.
  ///
  /// - Parameters:
  ///   - deadline: When the command gives up (`--timeout`); nil for never.
  ///   - endsSilentHelpers: Whether a helper domain that does not answer is ended without a request to
  ///     stop.
  ///   - body: The command's work.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws.
  func whileCaught<Result>(
    deadline: ContinuousClock.Instant? = nil, endsSilentHelpers: Bool = false,
    _ body: () throws -> Result
  ) rethrows -> Result {
    interruptPipe.drain()
    helpers.forget()
    let watch = SilenceWatch(
      interrupt: fileDescriptor, deadline: deadline, helpers: helpers,
      endsSilentHelpers: endsSilentHelpers)
    for signal in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = noteInterrupt
      var old = sigaction()
      sigaction(signal, &action, &old)
      previous[signal] = old
    }
    defer {
      watch?.end()
      for (signal, var old) in previous { sigaction(signal, &old, nil) }
      previous = [:]
      interruptPipe.drain()
    }
    return try body()
  }
}

/// The pipe of ^C and SIGTERM.
private let interruptPipe = SignalPipe()

private func noteInterrupt(_ signal: Int32) { interruptPipe.note() }
