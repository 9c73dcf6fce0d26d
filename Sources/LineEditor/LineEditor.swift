// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency private import CReadline
private import Glibc

/// Reads lines from a prompt, with readline: editing, history and completion.
///
/// readline has one state for the whole process, so there should be one editor.
@MainActor
package final class LineEditor {
  /// Computes candidates; without any, file names are offered.
  ///
  /// It gets the line up to the cursor, and where the word to replace begins and ends, in bytes.
  package typealias Completer = (_ line: String, _ wordStart: Int, _ cursor: Int) -> [String]

  private let completer: Completer
  private let historyPath: String?

  /// The editor whose line is being read; readline's callbacks carry no context of their own.
  fileprivate static var active: LineEditor?
  private var candidates: ArraySlice<String> = []

  /// The characters that end a word for completion, the same as in virsh.
  private static let wordBreaks = strdup(" \t\n`@$><=;|&{(")
  private static let quotes = strdup("\"'")

  /// Makes an editor, and reads its history.
  ///
  /// - Parameters:
  ///   - name: The name of the program, for the conditions of the user's `inputrc`.
  ///   - historyPath: The file the history is kept in; nil for none.
  ///   - historySize: How many lines the history has at most.
  ///   - completer: Computes candidates.
  package init(
    name: String, historyPath: String?, historySize: Int, completer: @escaping Completer
  ) {
    self.completer = completer
    self.historyPath = historyPath
    rl_readline_name = UnsafePointer(strdup(name))
    rl_basic_word_break_characters = UnsafePointer(Self.wordBreaks)
    rl_completer_quote_characters = UnsafePointer(Self.quotes)
    rl_attempted_completion_function = attemptCompletion
    rl_char_is_quoted_p = isQuoted
    using_history()
    stifle_history(Int32(clamping: historySize))
    if let historyPath {
      read_history(historyPath)
    }
  }

  /// Asks for a line; nil at the end of the input.
  ///
  /// A line that is not empty joins the history.
  package func readLine(prompt: String) -> String? {
    Self.active = self
    defer { Self.active = nil }
    guard let bytes = readline(prompt) else { return nil }
    defer { free(bytes) }
    if bytes.pointee != 0 {
      add_history(bytes)
    }
    return String(cString: bytes)
  }

  /// Writes the history to its file, and makes the directories of its path where there are none.
  ///
  /// - Returns: Whether that worked; true without a file.
  @discardableResult
  package func writeHistory() -> Bool {
    guard let historyPath else { return true }
    var directory = ""
    for part in historyPath.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      directory += "\(part)/"
      mkdir(directory, 0o755)
    }
    return write_history(historyPath) == 0
  }

  fileprivate func findCandidates(line: String, wordStart: Int, cursor: Int) {
    candidates = ArraySlice(completer(line, wordStart, cursor))
  }

  fileprivate func nextCandidate() -> String? {
    candidates.popFirst()
  }
}

// readline calls these on the thread that called it, the main one.

private func attemptCompletion(
  _ text: UnsafePointer<CChar>?, _ start: CInt, _ end: CInt
) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  MainActor.assumeIsolated {
    guard let buffer = rl_line_buffer else { return }
    let line = UnsafeBufferPointer(start: buffer, count: Int(end)).map(UInt8.init(bitPattern:))
    LineEditor.active?.findCandidates(
      line: String(decoding: line, as: UTF8.self), wordStart: Int(start), cursor: Int(end))
  }
  return rl_completion_matches(text, nextMatch)
}

private func nextMatch(
  _ text: UnsafePointer<CChar>?, _ state: CInt
) -> UnsafeMutablePointer<CChar>? {
  let candidate = MainActor.assumeIsolated { LineEditor.active?.nextCandidate() }
  return candidate.flatMap { strdup($0) }
}

/// Whether a backslash that is none itself precedes the character.
private func isQuoted(_ text: UnsafeMutablePointer<CChar>?, _ index: CInt) -> CInt {
  guard let text else { return 0 }
  var position = Int(index)
  var isQuoted = false
  while position > 0, text[position - 1] == CChar(UInt8(ascii: "\\")) {
    isQuoted.toggle()
    position -= 1
  }
  return isQuoted ? 1 : 0
}
