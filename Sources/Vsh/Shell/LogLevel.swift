// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How much a message matters, as `-d` counts it.
package enum LogLevel: Int, Sendable, Comparable {
  /// Every detail.
  case debug = 0
  /// What is being done.
  case info = 1
  /// What is worth a look.
  case notice = 2
  /// What may go wrong.
  case warning = 3
  /// What went wrong.
  case error = 4

  /// Reads a level as `$VIRSH_DEBUG` has it: a decimal number; nil for anything else.
  package init?(text: String) {
    guard let number = Int(decimal: text) else { return nil }
    self.init(rawValue: number)
  }

  /// The word for it in a log.
  package var label: String {
    switch self {
    case .debug: "DEBUG"
    case .info: "INFO"
    case .notice: "NOTICE"
    case .warning: "WARNING"
    case .error: "ERROR"
    }
  }

  /// Whether the first matters less than the second.
  package static func < (first: LogLevel, second: LogLevel) -> Bool {
    first.rawValue < second.rawValue
  }
}
