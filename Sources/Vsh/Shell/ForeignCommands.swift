// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a shell does with commands that are not in its table.
package struct ForeignCommands<Context> {
  /// Runs a command that was accepted, and says whether it succeeded.
  ///
  /// It prints everything that belongs to the command, the line after it included.
  package typealias Run = (Shell<Context>) throws -> Bool

  /// Takes a command, all its words given; nil when it is not a command there either.
  ///
  /// It is called while the line is parsed, before anything of it runs, so that a mistake in a
  /// foreign command stops the line just as one of ours does.
  package var accept: (Shell<Context>, [String]) throws(UsageError) -> Run?
  /// Shows the help of a foreign command or group; nil when there is none of that name.
  package var help: (Shell<Context>, String) throws -> Bool?
  /// The candidates for the last of the words, which may be empty.
  package var complete: (Shell<Context>, [String]) -> [String]

  /// What `help` says about them below our own groups; nil for nothing.
  package var hint: String?

  /// Makes the rules; without `help` and `complete` there is neither for foreign commands.
  package init(
    accept: @escaping (Shell<Context>, [String]) throws(UsageError) -> Run?,
    help: @escaping (Shell<Context>, String) throws -> Bool? = { _, _ in nil },
    complete: @escaping (Shell<Context>, [String]) -> [String] = { _, _ in [] },
    hint: String? = nil
  ) {
    self.accept = accept
    self.help = help
    self.complete = complete
    self.hint = hint
  }
}
