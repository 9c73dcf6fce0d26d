// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The options that a command was given.
package struct Arguments: Sendable, Equatable {
  /// One option, as it was given.
  package struct Value: Sendable, Equatable {
    /// The option's name.
    package var name: String
    /// Its value; nil for an option without one.
    package var text: String?
    /// Whether the empty text is a value.
    package var allowsEmpty: Bool

    /// Makes a given option.
    package init(name: String, text: String?, allowsEmpty: Bool = false) {
      self.name = name
      self.text = text
      self.allowsEmpty = allowsEmpty
    }
  }

  /// The name of the command.
  package var command: String
  /// The options in the order in which they were given.
  package var values: [Value]

  /// Makes the arguments of a command.
  package init(command: String, values: [Value] = []) {
    self.command = command
    self.values = values
  }

  /// Whether the option was given.
  package func flag(_ name: String) -> Bool {
    values.contains { $0.name == name }
  }

  /// The value of an option, nil when it was not given.
  ///
  /// - Throws: `ShellError` when the value is empty and must not be.
  package func string(_ name: String) throws(ShellError) -> String? {
    guard let value = values.first(where: { $0.name == name }), let text = value.text else {
      return nil
    }
    if text.isEmpty, !value.allowsEmpty {
      throw ShellError("Failed to get option '\(name)': Option argument is empty")
    }
    return text
  }

  /// The value of an option that the command requires.
  ///
  /// - Throws: `ShellError` when the value is empty and must not be, or missing: the parser lets
  ///   that happen only for an option that is not declared as required.
  package func required(_ name: String) throws(ShellError) -> String {
    guard let text = try string(name) else {
      throw ShellError("command '\(command)' requires <\(name)> option")
    }
    return text
  }

  /// All values of an option that takes several.
  package func strings(_ name: String) -> [String] {
    values.filter { $0.name == name }.compactMap(\.text)
  }

  /// The value of an option as it was typed, empty or not.
  package func raw(_ name: String) -> String? {
    strings(name).first
  }
}
