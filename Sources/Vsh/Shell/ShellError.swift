// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a command failed, in words for the user.
///
/// Any other error may be thrown by a handler too; its description is then what is printed.
package struct ShellError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The messages, one for each line of error output: first what was tried, then why it failed.
  package var lines: [String]
  /// The next step, in lines that follow and are not marked as errors: commands to copy, mostly.
  package var hints: [String] = []

  /// Makes an error of one line.
  package init(_ message: String) {
    lines = [message]
  }

  /// Makes an error of several lines, and of the next step.
  package init(lines: [String], hints: [String] = []) {
    self.lines = lines
    self.hints = hints
  }

  /// Makes an error of what was tried and the error that stopped it.
  package init(_ message: String, because reason: any Error) {
    lines = [message] + ShellError.lines(of: reason)
    hints = (reason as? ShellError)?.hints ?? []
  }

  /// The lines, joined by newlines.
  package var description: String { lines.joined(separator: "\n") }

  /// The messages that stand for any error; as in virsh, one may have several lines.
  package static func lines(of error: any Error) -> [String] {
    switch error {
    case let error as ShellError: error.lines
    case let error as UsageError: error.lines
    default: ["\(error)"]
    }
  }
}
