// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension FuzzTarget {
  /// What Tab and the completions of other shells offer.
  static let completion = FuzzTarget(name: "completion") { bytes in
    let shell = makeFuzzedShell()
    let line = text(bytes)
    _ = shell.completions(line: line)
    var words = words(bytes)
    let typed = words.removeLast()
    let cursor = words.joined(separator: " ")
    for start in stride(from: 0, through: cursor.utf8.count, by: 1 + cursor.utf8.count / 8) {
      _ = shell.completions(line: cursor, wordStart: start, rest: typed)
    }
    try checkEditing(shell, line)
    try checkCandidates(shell, words: words[...], typed: typed)
  }

  /// What is put in the place of a word is read as one word that goes on as the user began.
  private static func checkEditing(_ shell: Shell<Void>, _ line: String) throws {
    let special = "\u{1}\n\t;#'\"\\".utf8
    guard !line.utf8.contains(where: special.contains) else { return }
    let words = line.utf8.split(
      separator: UInt8(ascii: " "), omittingEmptySubsequences: false
    ).map { Substring($0) }
    let typed = words.last ?? ""
    let kept = line.utf8.dropLast(typed.utf8.count)
    for text in shell.completions(line: line, wordStart: kept.count) {
      var lexer = Lexer(string: String(Substring(kept)) + text)
      var read: [Token] = []
      while let token = try? lexer.next(), token != .end { read.append(token) }
      let isWhole = read.count == words.dropLast().count { !$0.isEmpty } + 1
      guard isWhole, case .word(let word) = read.last, word.utf8.starts(with: typed.utf8) else {
        throw FuzzFailure(description: "what is put in goes on as begun: \(line): \(text)")
      }
    }
  }

  /// Each candidate begins with what is typed, and is read back as what was offered.
  private static func checkCandidates(
    _ shell: Shell<Void>, words: ArraySlice<String>, typed: String
  ) throws {
    // The mark of the cursor.
    guard !typed.utf8.contains(1), !typed.utf8.contains(UInt8(ascii: "'")) else { return }
    let before = words.map { Quoting.shell($0) + " " }.joined()
    let quoted = shell.completions(line: "\(before)'\(typed)")
    for candidate in quoted {
      try expect(
        candidate.utf8.starts(with: typed.utf8), "candidates extend: \(typed): \(candidate)")
    }
    guard Quoting.shell(typed) == typed else { return }
    let plain = shell.completions(line: before + typed)
    for candidate in plain where candidate.utf8.allSatisfy({ $0 != UInt8(ascii: "\\") }) {
      try expect(
        candidate.utf8.starts(with: typed.utf8), "candidates extend: \(typed): \(candidate)")
    }
    try expect(
      plain.count == quoted.count, "quotes change no candidates: \(before)\(typed): \(plain)")
  }
}
