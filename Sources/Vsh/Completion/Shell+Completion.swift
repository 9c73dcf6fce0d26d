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
