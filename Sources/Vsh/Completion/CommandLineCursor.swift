// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A command line up to the cursor, taken apart for completion.
struct CommandLineCursor {
  /// The words of the last command before the word under the cursor.
  private(set) var words: [String] = []
  /// What is typed of the word under the cursor, without quotes.
  private(set) var word = ""
  /// Whether the cursor is inside of quotes.
  private(set) var isQuoted = false

  /// Takes a line apart, as far as it goes.
  init(line: String) {
    // A mark at the cursor ends up at the end of the last word, or is a word of its own after a
    // blank; in a comment it is lost, and nothing is left of the command.
    let mark = "\u{1}"
    var lexer = Lexer(string: line + mark)
    var tokens = Self.tokens(&lexer)
    isQuoted = lexer.openQuote != nil
    if tokens == nil {
      var closed = Lexer(string: line + mark + "\"")
      tokens = Self.tokens(&closed)
      isQuoted = true
    }
    let command = (tokens ?? []).split(separator: .separator, omittingEmptySubsequences: false)
    words = (command.last ?? []).compactMap { token in
      if case .word(let text) = token { text } else { nil }
    }
    if let last = words.last, last.hasSuffix(mark) {
      words.removeLast()
      word = String(last.dropLast())
    } else {
      words = []
      word = String(line.split(separator: " ", omittingEmptySubsequences: false).last ?? "")
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
