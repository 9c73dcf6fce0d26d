// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A rule on which options of a command go together, as a row of the command table.
///
/// The same row is kept when the command runs, told by `help` and by the manual page, minded by
/// completion and checked by `self-test`; that of a command which virsh has too is ``unannounced``.
package struct OptionRule: Sendable, Equatable {
  /// The relation of an option to the others of its rule.
  package enum Kind: String, Sendable, Equatable {
    /// Neither of the others may be given with it.
    case excludes
    /// Each of the others must be given with it.
    case requires
  }

  /// The wording of the error: virsh has two manners, and which one it uses differs by the command.
  package enum Wording: Sendable, Equatable {
    /// `Options --a and --b are mutually exclusive`, `Option --b is required by option --a`.
    case usual
    /// `--b and --a are mutually exclusive`, `--a requires --b`.
    case short
  }

  /// The option that the rule is about.
  package var name: String
  /// The relation of the option to the others.
  package var kind: Kind
  /// The other options, in the order in which they are looked for.
  package var others: [String]
  /// The wording of the error.
  package var wording: Wording
  /// True if `help`, the manual page and completion know the rule.
  package var isAnnounced = true

  /// An option that does not go together with any of the others.
  ///
  /// - Parameters:
  ///   - name: The option; the usual error names it first.
  ///   - others: The options that it excludes.
  ///   - wording: How the error is worded.
  /// - Returns: The rule.
  package static func excludes(
    _ name: String, _ others: String..., wording: Wording = .usual
  ) -> Self {
    Self(name: name, kind: .excludes, others: others, wording: wording)
  }

  /// An option that makes no sense without another.
  ///
  /// - Parameters:
  ///   - name: The option.
  ///   - other: The option that it needs.
  ///   - wording: How the error is worded.
  /// - Returns: The rule.
  package static func requires(
    _ name: String, _ other: String, wording: Wording = .usual
  ) -> Self {
    Self(name: name, kind: .requires, others: [other], wording: wording)
  }

  /// The same rule, known to nobody before it is broken: as virsh has it, whose table of commands has
  /// no rules.
  package var unannounced: Self {
    var rule = self
    rule.isAnnounced = false
    return rule
  }

  /// Checks that a command was given nothing that breaks the rule.
  ///
  /// - Throws: `ShellError` in virsh's words for the first of the others that breaks it.
  func check(_ arguments: Arguments) throws(ShellError) {
    guard arguments.flag(name) else { return }
    for other in others where arguments.flag(other) == (kind == .excludes) {
      throw ShellError(message(with: other))
    }
  }

  /// The options that may not be given any more beside those that are.
  func excluded(by arguments: Arguments) -> [String] {
    guard kind == .excludes, isAnnounced else { return [] }
    return (arguments.flag(name) ? others : [])
      + (others.contains(where: arguments.flag) ? [name] : [])
  }

  private func message(with other: String) -> String {
    switch (kind, wording) {
    case (.excludes, .usual): "Options --\(name) and --\(other) are mutually exclusive"
    case (.excludes, .short): "--\(other) and --\(name) are mutually exclusive"
    case (.requires, .usual): "Option --\(other) is required by option --\(name)"
    case (.requires, .short): "--\(name) requires --\(other)"
    }
  }
}

extension Command {
  /// Checks that a command's options go together.
  ///
  /// - Throws: `ShellError` in virsh's words for the first rule that is broken.
  func check(_ arguments: Arguments) throws(ShellError) {
    for rule in rules { try rule.check(arguments) }
  }

  /// The rules that are announced, in words for people: a sentence for each option and kind, in their
  /// order.
  ///
  /// `help` and the manual page have these sentences: `--full excludes --incremental and --parent.`
  package var ruleSentences: [String] {
    var joined: [OptionRule] = []
    for rule in rules where rule.isAnnounced {
      if let index = joined.firstIndex(where: { $0.name == rule.name && $0.kind == rule.kind }) {
        joined[index].others += rule.others
      } else {
        joined.append(rule)
      }
    }
    return joined.map { rule in
      let names = rule.others.map { "--\($0)" }
      let list = names.dropLast().joined(separator: ", ")
      let last = names.last ?? ""
      return "--\(rule.name) \(rule.kind.rawValue) \(list.isEmpty ? last : "\(list) and \(last)")."
    }
  }
}
