// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Shell {
  /// The candidates for the last of the words of a command line, as the `complete` command gets
  /// them; the last word is empty after a blank.
  package func completions(words: [String]) -> [String] {
    completions(line: words.joined(separator: " "))
  }

  /// The candidates for the word at the end of a line.
  ///
  /// Blanks in them have a backslash before them unless the word is quoted. A value that is typed
  /// after `=` has none, as in virsh.
  package func completions(line: String) -> [String] {
    let cursor = CommandLineCursor(line: line)
    let candidates = candidates(at: cursor)
    guard !cursor.isQuoted else { return candidates }
    return candidates.map { $0.replacing(" ", with: "\\ ") }
  }

  /// The candidates for the word at the cursor, whole and without quotes.
  ///
  /// - Parameters:
  ///   - cursor: The line.
  ///   - completesValues: Whether there are any for a value that is typed after `--name=`.
  /// - Returns: The candidates.
  func candidates(at cursor: CommandLineCursor, completesValues: Bool = false) -> [String] {
    let pair = completesValues ? cursor.optionAndValue : nil
    guard let name = cursor.words.first else {
      return commandNames(from: cursor)
    }
    guard let command = table.command(named: name) else {
      return foreignCandidates(name, cursor, pair) ?? commandNames(from: cursor)
    }
    if cursor.word == command.name {
      return commandNames(from: cursor)
    }
    var scanner = ArgumentScanner(command: command)
    do {
      for word in cursor.words.dropFirst() {
        try scanner.take(word)
      }
    } catch {
      return optionNames(scanner, prefix: cursor.word)
    }
    if !scanner.isDataOnly, scanner.pending == nil, let (name, value) = pair {
      var cursor = cursor
      cursor.word = value
      guard (try? scanner.take("--\(name)")) != nil, let option = scanner.pending else { return [] }
      return values(of: option, scanner, cursor).map { "--\(name)=\($0)" }
    }
    return candidates(at: cursor, after: scanner)
  }

  private func candidates(
    at cursor: CommandLineCursor, after scanner: ArgumentScanner<Context>
  ) -> [String] {
    let word = cursor.word
    if scanner.wantsHelp {
      return []
    }
    if let option = scanner.pending {
      return values(of: option, scanner, cursor)
    }
    if word.isEmpty || (!scanner.isDataOnly && (word == "--" || word.looksLikeOption)) {
      return optionNames(scanner, prefix: word)
    }
    guard let option = scanner.nextSlot, !scanner.isExcluded(option) else { return [] }
    return values(of: option, scanner, cursor)
  }

  private func commandNames(from cursor: CommandLineCursor) -> [String] {
    let own = table.commands.filter { !$0.isHidden && $0.name.hasPrefix(cursor.word) }.map(\.name)
    let others = foreign?.complete(self, [cursor.word]) ?? []
    return own + others.filter { !own.contains($0) }
  }

  /// What the other program offers for one of its commands; nil where it does not know it.
  private func foreignCandidates(
    _ name: String, _ cursor: CommandLineCursor, _ pair: (name: String, value: String)?
  ) -> [String]? {
    guard let foreign else { return nil }
    var words = cursor.words + [cursor.word]
    var prefix = ""
    if let (option, value) = pair {
      words = cursor.words + ["--\(option)", value]
      prefix = "--\(option)="
    }
    let candidates = foreign.complete(self, words)
    // It offers commands after a word that is none, which ours have to be among.
    guard candidates.isEmpty || foreign.complete(self, [name]).contains(name) else { return nil }
    return candidates.map { prefix + $0 }
  }

  private func optionNames(_ scanner: ArgumentScanner<Context>, prefix: String) -> [String] {
    scanner.openOptions.map { "--\($0.name)" }.filter { $0.hasPrefix(prefix) && $0 != prefix }
  }

  private func values(
    of option: Option<Context>, _ scanner: ArgumentScanner<Context>, _ cursor: CommandLineCursor
  ) -> [String] {
    guard let completer = option.completer else { return [] }
    // What stands behind the cursor may say which domain or pool it is about.
    var whole = scanner
    for word in [cursor.word] + cursor.following {
      try? whole.take(word)
    }
    let request = CompletionRequest(
      arguments: whole.arguments, option: option.name, word: cursor.word)
    return completer(self, request).filter { $0.hasPrefix(cursor.word) }
  }
}
