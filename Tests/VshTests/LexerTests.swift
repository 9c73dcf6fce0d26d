// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct LexerTests {
  private func tokens(_ lexer: Lexer) throws -> [Token] {
    var lexer = lexer
    var tokens: [Token] = []
    while true {
      let token = try lexer.next()
      tokens.append(token)
      if token == .end {
        return tokens
      }
    }
  }

  /// The tokens of a line in short: words joined by `|`, `;` for a separator.
  private func short(_ line: String) throws -> String {
    try tokens(Lexer(string: line)).dropLast().map { token in
      if case .word(let text) = token { text } else { ";" }
    }.joined(separator: "|")
  }

  @Test(arguments: [
    ("", ""), ("  \t ", ""), ("a b", "a|b"), (" a\t\tb ", "a|b"),
    ("a;b", "a|;|b"), ("a ; b;", "a|;|b|;"), (";;", ";|;"), ("a\nb", "a|;|b"),
    ("a\\\n b", "a|b"), ("a\\\nb", "ab"), ("\\\n a", "a"),
    ("a\rb", "a\rb"), ("a\r\nb", "a\r|;|b"), ("a\u{0B}b\u{0C}c", "a\u{0B}b\u{0C}c"),
    ("$x * ~ { } & | < > `", "$x|*|~|{|}|&|||<|>|`"),
    ("é 世界", "é|世界"),
  ])
  func `blanks divide words, semicolons and newlines divide commands`(
    line: String, expected: String
  ) throws {
    #expect(try short(line) == expected)
  }

  @Test(arguments: [
    ("'a b'", "a b"), (#"'a\b'"#, #"a\b"#), (#"'a\'"#, #"a\"#), (#"'a"b'"#, #"a"b"#),
    (#""a b""#, "a b"), (#""a\"b\x\n""#, #"a"bxn"#), ("\"a'b\"", "a'b"),
    ("a\\ b\\;c\\#d", "a b;c#d"), ("mid'd le'\"x y\"", "midd lex y"), ("''", ""),
    ("a '' b", "a||b"), ("\"a\nb\"", "a\nb"), ("'a\nb;c#d'", "a\nb;c#d"),
    ("\"a\\\nb\"", "ab"), ("'a\\\nb'", "a\\\nb"),
  ])
  func `quotes and backslashes make characters ordinary`(line: String, expected: String) throws {
    #expect(try short(line) == expected)
  }

  @Test(arguments: [
    ("# a b", ";"), ("a # b; c\nd", "a|;|;|d"), ("a#b", "a#b"), ("a '#b' \\#c", "a|#b|#c"),
    ("a # x \\\n y", "a|;|;|y"),
  ])
  func `a comment begins at the start of a word and ends with the line`(
    line: String, expected: String
  ) throws {
    #expect(try short(line) == expected)
  }

  @Test(arguments: [
    ("a \"b", "missing \""), ("\"", "missing \""), ("a\\", "dangling \\"),
    ("\"a\\", "dangling \\"), ("a b c\\", "dangling \\"),
  ])
  func `an open double quote and a backslash at the end are mistakes`(
    line: String, message: String
  ) {
    let error = #expect(throws: UsageError.self) { try short(line) }
    #expect(error?.lines == [message])
  }

  @Test func `an open single quote is none, and is remembered`() throws {
    var lexer = Lexer(string: "'a b\\")
    #expect(try lexer.next() == .word("a b\\"))
    #expect(lexer.openQuote == "'")
  }

  @Test func `words that are given as words are left as they are`() throws {
    let words = ["a b", ";", "'x'", "#c", "", "d\\", "e\nf"]
    #expect(try tokens(Lexer(words: words)) == words.map(Token.word) + [.end])
  }
}
