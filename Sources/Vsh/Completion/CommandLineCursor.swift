// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A command line with a cursor in it, taken apart for completion.
struct CommandLineCursor {
  /// The words of the last command before the word under the cursor.
  private(set) var words: [String] = []
  /// What is typed of the word under the cursor, without quotes.
  var word = ""
  /// The quote that the cursor is inside of.
  private(set) var openQuote: Character?
  /// The words of the same command that follow the one under the cursor.
  private(set) var following: [String] = []

  /// Whether the cursor is inside of quotes.
  var isQuoted: Bool { openQuote != nil }

  /// The parts of the word under the cursor where it is `--name=value`.
  var optionAndValue: (name: String, value: String)? {
    guard word.looksLikeOption, case (let name, let value?) = word.nameAndValue else { return nil }
    return (name, value)
  }

  /// Takes a line apart, as far as it goes.
  ///
  /// - Parameters:
  ///   - line: The line up to the cursor.
  ///   - rest: The line after the cursor.
  init(line: String, rest: String = "") {
    // A mark at the cursor ends up at the end of the last word, or is a word of its own after a
    // blank; in a comment it is lost, and nothing is left of the command.
    let mark = "\u{1}"
    var lexer = Lexer(string: line + mark)
    var tokens = Self.tokens(&lexer)
    openQuote = lexer.openQuote
    if tokens == nil {
      var closed = Lexer(string: line + mark + "\"")
      tokens = Self.tokens(&closed)
      openQuote = "\""
    }
    let command = (tokens ?? []).split(separator: .separator, omittingEmptySubsequences: false)
    words = Self.words(command.last ?? [])
    if let last = words.last, last.hasSuffix(mark) {
      words.removeLast()
      word = String(last.dropLast())
      following = words(after: rest)
    } else {
      words = []
      word = String(line.split(separator: " ", omittingEmptySubsequences: false).last ?? "")
    }
  }

  /// The words after the end of the one under the cursor.
  private func words(after rest: String) -> [String] {
    var tail = rest[...]
    if let openQuote { tail = tail.drop { $0 != openQuote } }
    tail = tail.drop { $0 != " " && $0 != ";" && $0 != "\t" }
    var lexer = Lexer(string: String(tail))
    let tokens = Self.tokens(&lexer) ?? []
    return Self.words(tokens.prefix { $0 != .separator })
  }

  private static func words(_ tokens: ArraySlice<Token>) -> [String] {
    tokens.compactMap { token in
      if case .word(let text) = token { text } else { nil }
    }
  }

  private static func tokens(_ lexer: inout Lexer) -> [Token]? {
    var tokens: [Token] = []
    while true {
      guard let token = try? lexer.next() else { return nil }
      if token == .end {
        return tokens
      }
      tokens.append(token)
    }
  }
}
