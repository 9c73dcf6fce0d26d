// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Gives the words after a command's name to its options, one at a time.
struct ArgumentScanner<Context> {
  /// Something to be told while words are taken.
  enum Note: Equatable {
    /// What was wrong and does not matter.
    case warning(String)
    /// An option that was given, and its value.
    case given(String, String?)
  }

  /// The command whose words they are.
  let command: Command<Context>
  /// The options given so far.
  private(set) var arguments: Arguments
  /// The option whose value the next word is, whatever it looks like.
  private(set) var pending: Option<Context>?
  /// Whether a bare `--` was met: every word is data now.
  private(set) var isDataOnly = false
  /// Whether `--help` was met.
  private(set) var wantsHelp = false
  /// What is to be told of the words, in their order.
  private(set) var notes: [Note] = []

  private var seen: Set<String> = []
  private var slots: ArraySlice<Option<Context>>

  /// Makes a scanner that has met no words.
  init(command: Command<Context>) {
    self.command = command
    arguments = Arguments(command: command.name)
    slots = ArraySlice(command.options.filter { $0.isPositional })
  }

  /// The option that a bare word would be given to.
  var nextSlot: Option<Context>? { slots.first }

  /// The options that may be given by name from here on: those that were not, and that none of those
  /// given excludes.
  var openOptions: [Option<Context>] {
    command.options.filter { option in
      !option.isHidden && (option.kind == .list || !seen.contains(option.name))
        && !isExcluded(option)
    }
  }

  /// True if a rule forbids the option beside those given so far.
  func isExcluded(_ option: Option<Context>) -> Bool {
    command.rules.contains { $0.excluded(by: arguments).contains(option.name) }
  }

  /// Takes the next word.
  ///
  /// - Throws: `UsageError` when the command has no use for it.
  mutating func take(_ word: String) throws(UsageError) {
    if let option = pending {
      pending = nil
      give(word, to: option)
    } else if !isDataOnly, word == "--" {
      isDataOnly = true
    } else if !isDataOnly, word.looksLikeOption {
      try takeOption(word)
    } else {
      try takeData(word)
    }
  }

  /// Checks that nothing is missing.
  ///
  /// - Throws: `UsageError` for a value that did not come, and for every required option that did
  ///   not, in the order of definition.
  func finish() throws(UsageError) {
    try finishValues()
    let missing = command.options.filter { $0.isRequired && !seen.contains($0.name) }
    if !missing.isEmpty, !wantsHelp {
      throw UsageError(
        lines: missing.map { option in
          let shape = option.kind == .number ? "--\(option.name)" : "<\(option.name)>"
          return "command '\(command.name)' requires \(shape) option"
        })
    }
  }

  /// Checks that the last option has its value.
  ///
  /// - Throws: `UsageError` for a value that did not come.
  private func finishValues() throws(UsageError) {
    if let option = pending {
      throw UsageError("expected syntax: --\(option.name) <\(option.valueName)>")
    }
  }

  private mutating func takeOption(_ word: String) throws(UsageError) {
    let (name, value) = word.nameAndValue
    if name == "help" {
      // A value is passed over, as newer versions of virsh do.
      wantsHelp = true
      notes.append(.given(name, nil))
      return
    }
    guard let (option, text) = try resolve(name, value) else { return }
    if option.kind == .bool {
      guard text == nil else { throw Self.surplusValue(option.name) }
      arguments.values.append(Arguments.Value(name: option.name, text: nil))
      notes.append(.given(option.name, nil))
    } else if let text {
      give(text, to: option)
    } else {
      pending = option
    }
    if option.kind != .list {
      slots.removeAll { $0.name == option.name }
    }
  }

  /// Finds the option that a name stands for, and its value.
  ///
  /// - Returns: nil when the word is to be passed over, which only `help` does.
  private mutating func resolve(
    _ typedName: String, _ typedValue: String?
  ) throws(UsageError) -> (Option<Context>, String?)? {
    var name = typedName
    var value = typedValue
    if case .alias(let target, let fixed) = option(named: name)?.kind {
      if let fixed {
        guard value == nil else { throw Self.surplusValue(name) }
        value = fixed
      }
      name = target
    }
    guard let option = option(named: name) else {
      if isLenient { return nil }
      throw UsageError("command '\(command.name)' doesn't support option --\(name)")
    }
    if !seen.insert(name).inserted, option.kind != .list {
      let problem = "option --\(name) already seen"
      guard isLenient else { throw UsageError(problem) }
      notes.append(.warning(problem))
      return nil
    }
    return (option, value)
  }

  private mutating func takeData(_ word: String) throws(UsageError) {
    guard let option = slots.first else {
      if isLenient { return }
      throw UsageError("unexpected data '\(word)'")
    }
    if option.kind != .list {
      slots.removeFirst()
    }
    seen.insert(option.name)
    give(word, to: option)
  }

  private mutating func give(_ text: String, to option: Option<Context>) {
    arguments.values.append(
      Arguments.Value(name: option.name, text: text, allowsEmpty: option.allowsEmpty))
    notes.append(.given(option.name, text))
  }

  private func option(named name: String) -> Option<Context>? {
    command.options.first { $0.name == name }
  }

  /// `help` makes the best of whatever it is given: who asks for help may not know better.
  private var isLenient: Bool { command.name == "help" }

  private static func surplusValue(_ name: String) -> UsageError {
    UsageError("invalid '=' after option --\(name)")
  }
}

extension String {
  /// The parts of `--name=value` around the first `=`, without the dashes.
  ///
  /// The `=` is looked for among the bytes: as a character it may have an accent from the value.
  var nameAndValue: (name: String, value: String?) {
    let rest = utf8.dropFirst(2)
    guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else {
      return (String(Substring(rest)), nil)
    }
    return (
      String(Substring(rest[..<equals])), String(Substring(rest[equals...].dropFirst()))
    )
  }

  /// Whether it is an option's name, with or without a value: `--` and an ASCII letter or digit.
  var looksLikeOption: Bool {
    let bytes = utf8
    guard bytes.starts(with: "--".utf8), let third = bytes.dropFirst(2).first else { return false }
    let character = Character(Unicode.Scalar(third))
    return character.isASCII && (character.isLetter || character.isNumber)
  }
}
