// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An option of a command, as a row of the command table.
///
/// The same row is parsed by, shown by `help`, offered by completion and checked by `self-test`.
package struct Option<Context>: Sendable {
  /// Computes the candidates for an option's value; they are filtered by prefix afterwards.
  package typealias Completer = @Sendable (Shell<Context>, CompletionRequest) -> [String]

  /// What an option takes.
  package enum Kind: Sendable, Equatable {
    /// Nothing: it is given or not.
    case bool
    /// A text.
    case string
    /// A number, plain or with a unit.
    case number
    /// Any number of texts; by position it takes all the words that are left.
    case list
    /// Nothing of its own: it stands for another option, with that value where there is one.
    case alias(for: String, value: String?)
  }

  /// The name, without dashes.
  package var name: String
  /// What the option takes.
  package var kind: Kind
  /// What `help` says about it.
  package var help: String
  /// Whether the command cannot do without.
  package var isRequired: Bool
  /// Whether a word without an option's name may be its value.
  package var isPositional: Bool
  /// Whether the empty text is a value.
  package var allowsEmpty: Bool
  /// Whether `help` and completion leave it out.
  package var isHidden: Bool
  /// What stands for the value in `help`; nil for `string` and `number`.
  package var placeholder: String?
  /// The source of candidates for the value.
  package var completer: Completer?

  private init(
    _ name: String, _ kind: Kind, _ help: String, isRequired: Bool = false,
    isPositional: Bool = false, allowsEmpty: Bool = false, isHidden: Bool = false,
    placeholder: String? = nil, completer: Completer? = nil
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.isRequired = isRequired
    self.isPositional = isPositional
    self.allowsEmpty = allowsEmpty
    self.isHidden = isHidden
    self.placeholder = placeholder
    self.completer = completer
  }

  /// An option without a value: `--json`.
  package static func bool(_ name: String, _ help: String) -> Self {
    Self(name, .bool, help)
  }

  /// An option with a text: `--pool NAME`.
  ///
  /// - Parameters:
  ///   - name: The name, without dashes.
  ///   - help: What `help` says about it.
  ///   - required: Whether the command cannot do without.
  ///   - positional: Whether a bare word may be the value; by default if it is required.
  ///   - allowsEmpty: Whether the empty text is a value.
  ///   - placeholder: What stands for the value in `help`, if not `string`.
  ///   - completer: The source of candidates for the value.
  /// - Returns: The option.
  package static func string(
    _ name: String, _ help: String, required: Bool = false, positional: Bool? = nil,
    allowsEmpty: Bool = false, placeholder: String? = nil, completer: Completer? = nil
  ) -> Self {
    Self(
      name, .string, help, isRequired: required, isPositional: positional ?? required,
      allowsEmpty: allowsEmpty, placeholder: placeholder, completer: completer)
  }

  /// An option with a number: `--timeout 5`.
  ///
  /// - Parameters:
  ///   - name: The name, without dashes.
  ///   - help: What `help` says about it.
  ///   - required: Whether the command cannot do without.
  ///   - positional: Whether a bare word may be the value; by default if it is required.
  ///   - placeholder: What stands for the value in `help`, if not `number`.
  ///   - completer: The source of candidates for the value.
  /// - Returns: The option.
  package static func number(
    _ name: String, _ help: String, required: Bool = false, positional: Bool? = nil,
    placeholder: String? = nil, completer: Completer? = nil
  ) -> Self {
    Self(
      name, .number, help, isRequired: required, isPositional: positional ?? required,
      placeholder: placeholder, completer: completer)
  }

  /// An option with a length of time: `--timeout 5m`.
  ///
  /// - Parameters:
  ///   - name: The name, without dashes.
  ///   - help: What `help` says about it.
  /// - Returns: The option, whose value ``Arguments/duration(_:)`` reads.
  package static func duration(_ name: String, _ help: String) -> Self {
    .number(name, help, placeholder: "duration")
  }

  /// An option with any number of texts, by position, by name or both.
  ///
  /// - Parameters:
  ///   - name: The name, without dashes.
  ///   - help: What `help` says about it.
  ///   - required: Whether the command cannot do without.
  ///   - positional: Whether bare words may be values; it is the last that takes such then.
  ///   - placeholder: What stands for a value in `help`, if not `string`.
  ///   - completer: The source of candidates for a value.
  /// - Returns: The option.
  package static func list(
    _ name: String, _ help: String, required: Bool = false, positional: Bool = true,
    placeholder: String? = nil, completer: Completer? = nil
  ) -> Self {
    Self(
      name, .list, help, isRequired: required, isPositional: positional, allowsEmpty: true,
      placeholder: placeholder, completer: completer)
  }

  /// Another name of an option, or of an option with a value; shown nowhere.
  package static func alias(_ name: String, for option: String, value: String? = nil) -> Self {
    Self(name, .alias(for: option, value: value), "", isHidden: true)
  }

  /// What stands for the value in `help` and in messages; empty for an option without one.
  package var valueName: String {
    switch kind {
    case .bool, .alias: ""
    case .string, .list: placeholder ?? "string"
    case .number: placeholder ?? "number"
    }
  }

  /// The same option, left out of `help` and completion.
  package var hidden: Self {
    var option = self
    option.isHidden = true
    return option
  }
}
