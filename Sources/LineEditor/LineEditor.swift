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
  /// A line whose word at the cursor is to be completed.
  package struct Request: Sendable {
    /// The line up to the cursor.
    package var line: String
    /// Where the word to replace begins, in bytes.
    package var wordStart: Int
    /// The line after the cursor.
    package var rest: String
  }

  /// Something that may happen while the user types.
  package struct Occurrence {
    /// Tells a descriptor that is readable when it has happened; nil while it cannot happen.
    package var descriptor: () -> Int32?
    /// Takes note of it, so that the descriptor is not readable any more, and may print.
    package var attend: () -> Void

    /// Makes an occurrence.
    package init(descriptor: @escaping () -> Int32?, attend: @escaping () -> Void) {
      self.descriptor = descriptor
      self.attend = attend
    }
  }

  /// Computes what may replace the word; without any, file names are offered.
  package typealias Completer = (Request) -> [String]

  /// The editor whose line is being read; readline's callbacks carry no context of their own.
  static var active: LineEditor?

  /// What is attended to while a line is read.
  package var occurrence: Occurrence?
  private let completer: Completer
  private let history: History?
  private var candidates: ArraySlice<String> = []
  /// The input, where it is no terminal.
  var blocks = InputBlocks(STDIN_FILENO)

  /// Makes an editor, and reads its history.
  ///
  /// - Parameters:
  ///   - name: The name of the program, for the conditions of the user's `inputrc`.
  ///   - history: Where lines are kept; nil: only for as long as the editor lives.
  ///   - completer: Computes candidates.
  package init(name: String, history: History?, completer: @escaping Completer) {
    self.completer = completer
    self.history = history
    setUpReadline(name: name)
    if blocks != nil {
      // A line is shown when it is there as a whole, not each time that a byte is.
      rl_input_available_hook = { 1 }
    }
    history?.load()
  }

  /// Asks for a line; nil at the end of the input.
  ///
  /// A line that is not empty joins the history. It need not be UTF-8.
  package func readLine(prompt: String) -> [UInt8]? {
    Self.active = self
    defer { Self.active = nil }
    guard let bytes = readline(prompt) else { return nil }
    defer { free(bytes) }
    if bytes.pointee != 0 {
      add_history(bytes)
    }
    return UnsafeBufferPointer(start: bytes, count: strlen(bytes)).map(UInt8.init(bitPattern:))
  }

  /// Writes the history to its file.
  ///
  /// - Throws: ``History/DirectoryError``.
  package func writeHistory() throws(History.DirectoryError) {
    try history?.save()
  }

  /// Computes the candidates that ``nextCandidate()`` gives one after the other.
  func findCandidates(_ request: Request) {
    candidates = ArraySlice(completer(request))
  }

  /// The next candidate; nil after the last.
  func nextCandidate() -> String? {
    candidates.popFirst()
  }

  /// Lets the occurrence be attended to, and shows the line again below what that printed.
  func attend() {
    occurrence?.attend()
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return }
    rl_on_new_line()
    rl_redisplay()
  }
}
