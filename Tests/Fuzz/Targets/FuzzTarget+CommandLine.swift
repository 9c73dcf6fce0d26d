// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension FuzzTarget {
  /// Lexer and option parser.
  static let commandLine = FuzzTarget(name: "command-line") { bytes in
    try checkLine(String(rawBytes: bytes))
    let words = words(bytes)
    try checkQuoting(of: words)
    if words.count > 1 {
      try checkModes(words)
    }
  }

  /// A line as it is typed.
  private static func checkLine(_ line: String) throws {
    _ = try? makeFuzzedShell().parse(line: line)
    guard let tokens = try? tokens(of: line) else { return }
    try expect(tokens.count <= line.utf8.count, "no more tokens than bytes: \(line)")
    // A line end ends everything but a quote, which only a single one leaves open.
    guard let twice = try? Self.tokens(of: line + "\necho 'a") else { return }
    let isOpen = twice.last != .word("a")
    try expect(
      isOpen || twice == tokens + [.separator, .word("echo"), .word("a")],
      "lines are read one by one: \(line)")
  }

  /// What `echo --shell` prints is read as the same words.
  private static func checkQuoting(of words: [String]) throws {
    let line = words.map(Quoting.shell).joined(separator: " ")
    try expect(
      try tokens(of: line) == words.map { .word($0) }, "quoted words are read back: \(words)")
  }

  /// Words that a shell has divided mean what the same words mean in a string.
  private static func checkModes(_ words: [String]) throws {
    let shell = makeFuzzedShell()
    let line = words.map(Quoting.shell).joined(separator: " ")
    let divided = outcome { () throws(UsageError) in try shell.parse(commandWords: words) }
    let string = outcome { () throws(UsageError) in try shell.parse(line: line) }
    try expect(divided == string, "both modes agree: \(words): \(divided), \(string)")
  }

  private static func outcome(
    _ parse: () throws(UsageError) -> [Step<Void>]
  ) -> Result<[Arguments], UsageError> {
    do {
      return .success(
        try parse().compactMap { step in
          if case .command(_, let arguments) = step { arguments } else { nil }
        })
    } catch {
      return .failure(error)
    }
  }

  private static func tokens(of line: String) throws(UsageError) -> [Token] {
    var lexer = Lexer(string: line)
    var tokens: [Token] = []
    while true {
      let token = try lexer.next()
      if token == .end { return tokens }
      tokens.append(token)
    }
  }
}
