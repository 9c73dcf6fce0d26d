// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a shell does with commands that are not in its table.
package struct ForeignCommands<Context> {
  /// What is handed over at a time.
  package enum Input: Sendable, Equatable {
    /// A command line as it was typed, mistakes included: none of it is ours.
    case line(String)
    /// Commands between ours, or a single one; all their words, as they are meant.
    case commands([[String]])
  }

  /// How many bytes a line may have to be handed over as it was typed.
  package var longestLine: Int

  /// Whether a word can be the name of a command there.
  ///
  /// It may say yes of one that is not; then it is found out when it is checked or run.
  package var canBeNamed: (String) -> Bool

  /// Checks commands of a line that has some of ours too, before anything of it runs: of the first
  /// mistake the error is thrown.
  ///
  /// The flag says that of the last command no more can be known: it need not be complete.
  package var check: (Shell<Context>, [[String]], _ isCutShort: Bool) throws(UsageError) -> Void
  /// Runs what is handed over, and says whether its last command succeeded.
  ///
  /// It prints everything that belongs to the commands, the line after each included. An error that
  /// it throws says why they did not come to an end.
  package var run: (Shell<Context>, Input) throws -> Bool
  /// Shows the help of a foreign command or group; nil when there is none of that name.
  package var help: (Shell<Context>, String) throws -> Bool?
  /// The lines that `help` has about the commands of a group that has commands of ours too.
  package var groupLines: (Shell<Context>, String) -> [String]
  /// The candidates for the last of the words, which may be empty.
  package var complete: (Shell<Context>, [String]) -> [String]

  /// What `help` says about them below our own groups; nil for nothing.
  package var hint: String?

  /// Makes the rules; without `help` and `complete` there is neither for foreign commands.
  package init(
    longestLine: Int = .max, canBeNamed: @escaping (String) -> Bool = { _ in true },
    check: @escaping (Shell<Context>, [[String]], _ isCutShort: Bool) throws(UsageError) -> Void,
    run: @escaping (Shell<Context>, Input) throws -> Bool,
    help: @escaping (Shell<Context>, String) throws -> Bool? = { _, _ in nil },
    groupLines: @escaping (Shell<Context>, String) -> [String] = { _, _ in [] },
    complete: @escaping (Shell<Context>, [String]) -> [String] = { _, _ in [] },
    hint: String? = nil
  ) {
    self.longestLine = longestLine
    self.canBeNamed = canBeNamed
    self.check = check
    self.run = run
    self.help = help
    self.groupLines = groupLines
    self.complete = complete
    self.hint = hint
  }
}
