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
  /// Blanks in them have a backslash before them unless the word is quoted.
  package func completions(line: String) -> [String] {
    let cursor = CommandLineCursor(line: line)
    let candidates = candidates(at: cursor)
    guard !cursor.isQuoted else { return candidates }
    return candidates.map { candidate in
      candidate.split(separator: " ", omittingEmptySubsequences: false).joined(separator: "\\ ")
    }
  }

  /// The candidates for the word that a line editor wants to replace.
  ///
  /// An editor may begin its word later than the shell does, at a `=` or a `@`: what lies before is
  /// left out of the candidates then.
  ///
  /// - Parameters:
  ///   - line: The line up to the cursor.
  ///   - wordStart: Where the editor's word begins, in bytes.
  /// - Returns: The candidates.
  package func completions(line: String, wordStart: Int) -> [String] {
    let word = CommandLineCursor(line: line).word
    let text = String(decoding: line.utf8.dropFirst(wordStart), as: UTF8.self)
    guard word != text, word.hasSuffix(text) else { return completions(line: line) }
    return completions(line: line).map { String($0.dropFirst(word.count - text.count)) }
  }

  private func candidates(at cursor: CommandLineCursor) -> [String] {
    guard let name = cursor.words.first else {
      return commandNames(from: cursor)
    }
    guard let command = table.command(named: name) else {
      if let foreign {
        return foreign.complete(self, cursor.words + [cursor.word])
      }
      return commandNames(from: cursor)
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
    return candidates(for: cursor.word, after: scanner)
  }

  private func candidates(
    for word: String, after scanner: ArgumentScanner<Context>
  ) -> [String] {
    if scanner.wantsHelp {
      return []
    }
    if let option = scanner.pending {
      return values(of: option, scanner, prefix: word)
    }
    if word.isEmpty || (!scanner.isDataOnly && (word == "--" || word.looksLikeOption)) {
      return optionNames(scanner, prefix: word)
    }
    guard let option = scanner.nextSlot else { return [] }
    return values(of: option, scanner, prefix: word)
  }

  private func commandNames(from cursor: CommandLineCursor) -> [String] {
    let own = table.commands.filter { !$0.isHidden && $0.name.hasPrefix(cursor.word) }.map(\.name)
    let others = foreign?.complete(self, [cursor.word]) ?? []
    return own + others.filter { !own.contains($0) }
  }

  private func optionNames(_ scanner: ArgumentScanner<Context>, prefix: String) -> [String] {
    scanner.openOptions.map { "--\($0.name)" }.filter { $0.hasPrefix(prefix) && $0 != prefix }
  }

  private func values(
    of option: Option<Context>, _ scanner: ArgumentScanner<Context>, prefix: String
  ) -> [String] {
    guard let completer = option.completer else { return [] }
    let request = CompletionRequest(
      arguments: scanner.arguments, option: option.name, word: prefix)
    return completer(self, request).filter { $0.hasPrefix(prefix) }
  }
}
