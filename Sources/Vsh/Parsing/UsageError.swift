// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What is wrong with a command line: nothing of it is run.
package struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The messages, one for each line of error output.
  package var lines: [String]

  /// Makes an error of one line.
  package init(_ message: String) {
    lines = [message]
  }

  /// Makes an error of several lines.
  package init(lines: [String]) {
    self.lines = lines
  }

  /// The lines, joined by newlines.
  package var description: String { lines.joined(separator: "\n") }
}
