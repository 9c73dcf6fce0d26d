// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

/// A command of the user's that is told what a run came to.
final class RunHook: WorkLine {
  private let command: String
  private let document: String
  private let limit: Duration?
  /// The end of the command, with its output; nil where the command did not run.
  private(set) var outcome: Crew.Outcome?

  /// Prepares the command.
  ///
  /// - Parameters:
  ///   - command: A line for the shell.
  ///   - document: What it reads from its standard input.
  ///   - limit: How long it may take; nil for ever.
  init(_ command: String, document: String, limit: Duration?) {
    self.command = command
    self.document = document
    self.limit = limit
  }

  func skip() {}

  func next(after outcome: Crew.Outcome?) -> Crew.Step? {
    if let outcome {
      self.outcome = outcome
      return nil
    }
    return Crew.Step(
      child: Child("/bin/sh", ["-c", command]), input: Array(document.utf8), limit: limit)
  }

  /// Message on a hook that failed; nil where it ended with exit status 0 or did not run.
  var failure: String? {
    guard let outcome, !outcome.isSuccess else { return nil }
    if outcome.isLate { return "the hook took longer than --timeout allows" }
    if outcome.isCancelled { return "the hook was cancelled" }
    return switch outcome.ending {
    case .exited(let status): "the hook ended with exit status \(status)"
    case .killed(by: let signal): "the hook was killed by signal \(signal)"
    case .notStarted(let reason): "the hook could not be started: \(reason)"
    case nil: "the hook does not end, whatever it is told"
    }
  }
}
