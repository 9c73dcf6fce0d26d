// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Shell {
  /// Parses what followed the program's options: one word is a command line, several are the words
  /// of one command.
  ///
  /// - Throws: `UsageError` for the first mistake, without any text for an empty word.
  package func parse(commandWords words: [String]) throws(UsageError) -> [Step<Context>] {
    guard words.count == 1 else {
      return try parse(Lexer(words: words))
    }
    if words[0].isEmpty {
      throw UsageError(lines: [])
    }
    return try parse(line: words[0])
  }

  /// Parses a command line: commands that are separated by `;` or newlines.
  ///
  /// - Throws: `UsageError` for the first mistake.
  package func parse(line: String) throws(UsageError) -> [Step<Context>] {
    debug(.info, "commands: \"\(line)\"")
    return try parse(Lexer(string: line))
  }

  private func parse(_ source: Lexer) throws(UsageError) -> [Step<Context>] {
    var lexer = source
    var steps: [Step<Context>] = []
    while true {
      switch try lexer.next() {
      case .end:
        return steps
      case .separator:
        continue
      case .word(let name):
        if let step = try parseCommand(name, &lexer) {
          steps.append(step)
        }
      }
    }
  }

  private func parseCommand(
    _ name: String, _ lexer: inout Lexer
  ) throws(UsageError) -> Step<Context>? {
    if name.utf8.first == UInt8(ascii: "#") {
      _ = try rest(of: &lexer)
      return nil
    }
    guard let command = table.command(named: name) else {
      return .foreign(try parseForeign(name, &lexer))
    }
    var scanner = ArgumentScanner(command: command)
    var warned = 0
    while case .word(let word) = try lexer.next() {
      try scanner.take(word)
      for warning in scanner.warnings[warned...] {
        error(warning)
      }
      warned = scanner.warnings.count
    }
    try scanner.finish()
    for value in scanner.arguments.values {
      let kind = value.text == nil ? "bool" : "optdata"
      debug(.info, "\(command.name): \(value.name)(\(kind)): \(value.text ?? "(none)")")
    }
    if scanner.wantsHelp, let help = table.command(named: "help") {
      let topic = Arguments.Value(name: "command", text: command.name)
      return .command(help, Arguments(command: help.name, values: [topic]))
    }
    return .command(command, scanner.arguments)
  }

  private func parseForeign(
    _ name: String, _ lexer: inout Lexer
  ) throws(UsageError) -> ForeignCommands<Context>.Run {
    if let foreign {
      let words = [name] + (try rest(of: &lexer))
      if let run = try foreign.accept(self, words) {
        return run
      }
    }
    throw UsageError("unknown command: '\(name)'")
  }

  private func rest(of lexer: inout Lexer) throws(UsageError) -> [String] {
    var words: [String] = []
    while case .word(let word) = try lexer.next() {
      words.append(word)
    }
    return words
  }
}
