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
    debug(.info, "commands: \"\(words[0])\"")
    if words[0].isEmpty {
      throw UsageError(lines: [])
    }
    return try parse(line: words[0])
  }

  /// Parses a command line: commands that are separated by `;` or newlines.
  ///
  /// - Throws: `UsageError` for the first mistake.
  package func parse(line: String) throws(UsageError) -> [Step<Context>] {
    if let foreign, line.utf8.count <= foreign.longestLine,
      foreignPart(of: Lexer(string: line)) == .several
    {
      return [.foreign(.line(line))]
    }
    return try parse(Lexer(string: line))
  }

  /// Whether what followed the program's options is for the other program to parse and to run,
  /// because it has no command of ours.
  package func isForeign(commandWords words: [String]) -> Bool {
    foreignPart(of: words.count == 1 ? Lexer(string: words[0]) : Lexer(words: words)) != .none
  }

  private func parse(_ source: Lexer) throws(UsageError) -> [Step<Context>] {
    var lexer = source
    var commands = CommandList<Context>()
    do throws(UsageError) {
      try parseCommands(&lexer, into: &commands)
    } catch {
      // A mistake in what came before is the one to be told.
      try checkForeign(commands)
      throw error
    }
    // A single one is checked by the program that runs it.
    if commands.steps.count > 1 || commands.foreign.count > 1 {
      try checkForeign(commands)
    }
    return commands.steps
  }

  private func checkForeign(_ commands: CommandList<Context>) throws(UsageError) {
    if let foreign, !commands.foreign.isEmpty {
      try foreign.check(self, commands.foreign, commands.isCutShort)
    }
  }

  private func parseCommands(
    _ lexer: inout Lexer, into commands: inout CommandList<Context>
  ) throws(UsageError) {
    while true {
      switch try lexer.next() {
      case .end:
        return
      case .separator:
        continue
      case .word(let name):
        try parseCommand(name, &lexer, into: &commands)
      }
    }
  }

  private func parseCommand(
    _ name: String, _ lexer: inout Lexer, into commands: inout CommandList<Context>
  ) throws(UsageError) {
    if name.isComment {
      while case .word = try lexer.next() {}
      return
    }
    guard let command = table.command(named: name) else {
      guard let foreign, foreign.canBeNamed(name) else {
        throw UsageError("unknown command: '\(name)'")
      }
      commands.begin(name)
      while case .word(let word) = try lexer.next() {
        commands.add(word)
      }
      commands.end()
      return
    }
    let scanner = try scan(command, &lexer)
    if scanner.wantsHelp, let help = table.command(named: "help") {
      let topic = Arguments.Value(name: "command", text: command.name)
      commands.append(help, Arguments(command: help.name, values: [topic]))
    } else {
      commands.append(command, scanner.arguments)
    }
  }

  private func scan(
    _ command: Command<Context>, _ lexer: inout Lexer
  ) throws(UsageError) -> ArgumentScanner<Context> {
    var scanner = ArgumentScanner(command: command)
    var noted = 0
    while case .word(let word) = try lexer.next() {
      try scanner.take(word)
      for note in scanner.notes[noted...] {
        switch note {
        case .warning(let text):
          error(text)
        case .given(let name, let value):
          let kind = value == nil ? "bool" : "optdata"
          debug(.info, "\(command.name): \(name)(\(kind)): \(value ?? "(none)")")
        }
      }
      noted = scanner.notes.count
    }
    try scanner.finish()
    return scanner
  }

  /// How many commands of the other program a line has, if it has none of ours.
  private enum ForeignPart { case none, one, several }

  /// A line with a mistake counts up to there.
  private func foreignPart(of source: Lexer) -> ForeignPart {
    guard foreign != nil else { return .none }
    var lexer = source
    var count = 0
    do throws(UsageError) {
      while true {
        switch try lexer.next() {
        case .end:
          return count == 0 ? .none : count == 1 ? .one : .several
        case .separator:
          continue
        case .word(let name):
          if !name.isComment {
            if table.command(named: name) != nil { return .none }
            count += 1
          }
          while case .word = try lexer.next() {}
        }
      }
    } catch {
      return count == 0 ? .none : .several
    }
  }
}

extension String {
  /// Whether it makes a comment of a command whose first word it is.
  fileprivate var isComment: Bool { utf8.first == UInt8(ascii: "#") }
}

/// The commands of a line, as far as it is parsed.
private struct CommandList<Context> {
  /// All of them, foreign ones that stand together as one step.
  private(set) var steps: [Step<Context>] = []
  /// The foreign ones.
  private(set) var foreign: [[String]] = []
  /// Whether the end of the last foreign one is not known yet.
  private(set) var isCutShort = false

  mutating func append(_ command: Command<Context>, _ arguments: Arguments) {
    steps.append(.command(command, arguments))
  }

  mutating func begin(_ name: String) {
    foreign.append([name])
    isCutShort = true
  }

  mutating func add(_ word: String) {
    foreign[foreign.count - 1].append(word)
  }

  mutating func end() {
    isCutShort = false
    let command = foreign[foreign.count - 1]
    if case .foreign(.commands(var together)) = steps.last {
      // Taken out, or each command would copy all that came before it.
      steps.removeLast()
      together.append(command)
      steps.append(.foreign(.commands(together)))
    } else {
      steps.append(.foreign(.commands([command])))
    }
  }
}
