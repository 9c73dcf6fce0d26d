// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A command, as a row of the command table.
package struct Command<Context>: Sendable {
  /// Does the work; false is a failure whose reason has been printed already.
  package typealias Handler = @Sendable (Shell<Context>, Arguments) throws -> Bool

  /// The name, as it is typed.
  package var name: String
  /// What it does, in a few words, for lists of commands.
  package var summary: String
  /// What it does, for its own help; may be empty.
  package var description: String
  /// The options, in the order in which bare words fill them.
  package var options: [Option<Context>]
  /// The rules on which options go together, in the order in which they are checked.
  package var rules: [OptionRule]
  /// Whether the shell connects before the handler is called.
  package var needsConnection: Bool
  /// Whether lists of commands and completion leave it out.
  package var isHidden: Bool
  /// Does the work.
  package var handler: Handler

  /// Makes a command.
  ///
  /// - Parameters:
  ///   - name: The name, as it is typed.
  ///   - summary: What it does, in a few words.
  ///   - description: What it does, for its own help.
  ///   - options: The options, in the order in which bare words fill them.
  ///   - rules: Which of the options go together, in the order in which that is checked.
  ///   - needsConnection: Whether the shell connects before the handler is called.
  ///   - isHidden: Whether lists of commands and completion leave it out.
  ///   - handler: Does the work.
  package init(
    _ name: String, summary: String, description: String = "", options: [Option<Context>] = [],
    rules: [OptionRule] = [], needsConnection: Bool = true, isHidden: Bool = false,
    handler: @escaping Handler
  ) {
    self.name = name
    self.summary = summary
    self.description = description
    self.options = options
    self.rules = rules
    self.needsConnection = needsConnection
    self.isHidden = isHidden
    self.handler = handler
  }
}
