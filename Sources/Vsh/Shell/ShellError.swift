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

  /// Makes an error of one line.
  package init(_ message: String) {
    lines = [message]
  }

  /// Makes an error of several lines.
  package init(lines: [String]) {
    self.lines = lines
  }

  /// Makes an error of what was tried and the error that stopped it.
  package init(_ message: String, because reason: any Error) {
    lines = [message] + ShellError.lines(of: reason)
  }

  /// The lines, joined by newlines.
  package var description: String { lines.joined(separator: "\n") }

  /// The lines of error output that stand for any error.
  package static func lines(of error: any Error) -> [String] {
    switch error {
    case let error as ShellError: error.lines
    case let error as UsageError: error.lines
    default:
      "\(error)".unicodeScalars.split(separator: "\n").map { String($0) }
    }
  }
}
