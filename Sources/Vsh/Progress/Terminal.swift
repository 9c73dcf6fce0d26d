// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

/// The terminal that a stream of the process may be.
package enum Terminal {
  /// Whether standard error is a terminal.
  package static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// How much fits on a terminal.
  package struct Size: Sendable, Equatable {
    /// Characters in a line.
    package var columns: Int
    /// Lines.
    package var rows: Int

    /// Makes a size; the usual one where nothing is said.
    package init(columns: Int = 80, rows: Int = 24) {
      self.columns = columns
      self.rows = rows
    }
  }

  /// The size of the terminal that standard error is; the usual one where it does not say.
  package static var errorSize: Size {
    var size = winsize()
    var result = Size()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return result }
    if size.ws_col > 0 { result.columns = Int(size.ws_col) }
    if size.ws_row > 0 { result.rows = Int(size.ws_row) }
    return result
  }
}
