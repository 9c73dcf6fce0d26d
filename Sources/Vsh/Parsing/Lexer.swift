// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Takes a command line apart, a token at a time.
///
/// It works on bytes: every character that means something is ASCII, and a carriage return before a
/// newline must not hide it.
package struct Lexer {
  private let bytes: [UInt8]
  /// Where in the bytes the next token begins.
  private var position = 0
  private var words: ArraySlice<String>

  /// The quote that the last word left open, which only a single quote may be.
  private(set) var openQuote: Character?

  /// Makes a lexer of a text as a user types it, with quotes, `;` and comments.
  package init(string: String) {
    bytes = Array(string.utf8)
    words = []
  }

  /// Makes a lexer of words that a shell has already taken apart: each is a token as it is.
  package init(words: [String]) {
    bytes = []
    self.words = ArraySlice(words)
  }

  /// The next token; ``Token/end`` again and again once the line is used up.
  ///
  /// - Throws: `UsageError` for an unclosed double quote and for a backslash with nothing after it.
  package mutating func next() throws(UsageError) -> Token {
    if let word = words.popFirst() {
      return .word(word)
    }
    skipBlanks()
    switch byte(at: position) {
    case nil:
      return .end
    case .semicolon, .newline:
      position += 1
      return .separator
    case .hash:
      position = bytes[position...].firstIndex(of: .newline) ?? bytes.endIndex
      return .separator
    default:
      return .word(try word())
    }
  }

  private func byte(at index: Int) -> UInt8? {
    index < bytes.count ? bytes[index] : nil
  }

  private mutating func skipBlanks() {
    while let next = byte(at: position) {
      if next == .space || next == .tab {
        position += 1
      } else if next == .backslash, byte(at: position + 1) == .newline {
        position += 2
      } else {
        return
      }
    }
  }

  private mutating func word() throws(UsageError) -> String {
    openQuote = nil
    let start = position
    while let byte = byte(at: position), !byte.endsWord, !byte.changesMeaning {
      position += 1
    }
    if byte(at: position)?.changesMeaning != true {
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    var quote: UInt8?
    while let byte = byte(at: position) {
      if quote == nil, byte.endsWord {
        break
      }
      position += 1
      switch (byte, quote) {
      case (.singleQuote, nil), (.doubleQuote, nil):
        quote = byte
      case (.singleQuote, .singleQuote), (.doubleQuote, .doubleQuote):
        quote = nil
      case (.backslash, nil), (.backslash, .doubleQuote):
        guard let escaped = self.byte(at: position) else {
          throw UsageError("dangling \\")
        }
        position += 1
        if escaped != .newline {
          text.append(escaped)
        }
      default:
        text.append(byte)
      }
    }
    // A single quote that is never closed is accepted, as virsh does.
    if quote == .doubleQuote {
      throw UsageError("missing \"")
    }
    openQuote = quote.map { Character(Unicode.Scalar($0)) }
    return String(decoding: text, as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate static let tab = UInt8(ascii: "\t")
  fileprivate static let newline = UInt8(ascii: "\n")
  fileprivate static let space = UInt8(ascii: " ")
  fileprivate static let doubleQuote = UInt8(ascii: "\"")
  fileprivate static let hash = UInt8(ascii: "#")
  fileprivate static let singleQuote = UInt8(ascii: "'")
  fileprivate static let semicolon = UInt8(ascii: ";")
  fileprivate static let backslash = UInt8(ascii: "\\")

  fileprivate var changesMeaning: Bool {
    self == .singleQuote || self == .doubleQuote || self == .backslash
  }

  fileprivate var endsWord: Bool {
    self == .space || self == .tab || self == .newline || self == .semicolon
  }
}
