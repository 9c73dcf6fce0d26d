// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Shell {
  /// What a line editor may put in the place of the word it completes.
  ///
  /// An editor may begin its word later than the shell does: at a `=` or a `@`, or after an opening
  /// quote. What lies before stays in the line, and is left out here. The value of `--name=` is
  /// completed like that of `--name`.
  ///
  /// - Parameters:
  ///   - line: The line up to the cursor.
  ///   - wordStart: Where the editor's word begins, in bytes.
  ///   - rest: The line after the cursor.
  /// - Returns: The texts, quoted so that the shell reads them back as they are meant. Where the
  ///   cursor is inside of quotes the editor closes them.
  package func completions(line: String, wordStart: Int, rest: String = "") -> [String] {
    let cursor = CommandLineCursor(line: line, rest: rest)
    let before = CommandLineCursor(
      line: String(decoding: line.utf8.prefix(wordStart), as: UTF8.self))
    // The editor's word may also begin where the shell's does.
    let isInside = before.words == cursor.words
    let kept = isInside ? before.word : ""
    let quote = isInside ? before.openQuote : nil
    let closing = quote.map(String.init) ?? ""
    return candidates(at: cursor, completesValues: true).compactMap { candidate in
      guard candidate.utf8.starts(with: kept.utf8) else { return nil }
      let text = String(decoding: candidate.utf8.dropFirst(kept.utf8.count), as: UTF8.self)
      let word = Quoting.word(text, inside: quote, isStart: kept.isEmpty)
      // readline closes a quote that is open, unless there seems to be another at the end.
      return cursor.isQuoted && !word.hasSuffix(closing) ? word : word + closing
    }
  }
}

extension Quoting {
  /// A text as the shell's own parser takes it.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - quote: The quote that is open before it; nil for none.
  ///   - isStart: Whether a word begins with it.
  /// - Returns: The text with what has to be escaped, the quote still open.
  static func word(_ text: String, inside quote: Character?, isStart: Bool) -> String {
    if quote == "'" {
      return text.replacing("'", with: "'\\''")
    }
    let special = quote == nil ? " \t;\"'\\" : "\"\\"
    var result = quote == nil && isStart && text.utf8.first == UInt8(ascii: "#") ? "\\" : ""
    for scalar in text.unicodeScalars {
      if special.unicodeScalars.contains(scalar) { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}
