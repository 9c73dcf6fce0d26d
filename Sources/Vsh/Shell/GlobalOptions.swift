// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The options of the program itself, which come before any command.
package struct GlobalOptions: Sendable, Equatable {
  /// What the program is to do.
  package enum Action: Sendable, Equatable {
    /// Run the command words; with none, read commands from a prompt.
    case run
    /// Print the usage.
    case help
    /// Print the version, with the features or without.
    case version(isLong: Bool)
  }

  /// What the program is to do.
  package var action = Action.run
  /// `-c`: the URI to connect to before anything is run; empty for the default.
  package var uri: String?
  /// `-d`: which messages are shown.
  package var debugLevel: LogLevel?
  /// `-e`: the escape character of a console.
  package var escape: String?
  /// `-k`: seconds between keepalive messages.
  package var keepaliveInterval: Int32?
  /// `-K`: how many keepalive messages may stay unanswered.
  package var keepaliveCount: Int32?
  /// `-l`: the last log file.
  package var logFile: String?
  /// `-q`.
  package var isQuiet = false
  /// `-r`.
  package var isReadOnly = false
  /// `-t`.
  package var isTimed = false
  /// The words after the options.
  package var words: [String] = []

  /// The error for a log file that cannot be opened.
  package static let cannotOpenLog = UsageError(
    "failed to open the log file. check the log file path")

  /// Makes the options of a program that was given none.
  package init() {}
}
