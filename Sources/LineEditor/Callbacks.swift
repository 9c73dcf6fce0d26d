// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency private import CReadline
private import Glibc

// readline calls these on the thread that called it, the main one.

/// Tells readline what to call, and how words end: the same as in virsh.
///
/// - Parameter name: The name of the program.
@MainActor
func setUpReadline(name: String) {
  rl_readline_name = UnsafePointer(strdup(name))
  rl_basic_word_break_characters = UnsafePointer(strdup(" \t\n`@$><=;|&{("))
  rl_completer_quote_characters = UnsafePointer(strdup("\"'"))
  rl_char_is_quoted_p = isQuoted
  rl_attempted_completion_function = attemptCompletion
  rl_getc_function = readByte
  // virsh leaves file names as they are, and cannot read back those with blanks.
  rl_filename_quote_characters = UnsafePointer(strdup(" \t\n;\"'\\"))
  rl_filename_quoting_function = quoteFileName
  rl_filename_dequoting_function = unquoteFileName
}

/// Finds candidates for a word of the line.
private func attemptCompletion(
  _ text: UnsafePointer<CChar>?, _ start: CInt, _ end: CInt
) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  MainActor.assumeIsolated {
    guard let buffer = rl_line_buffer else { return }
    let line = UnsafeBufferPointer(start: buffer, count: Int(rl_end)).map(UInt8.init(bitPattern:))
    LineEditor.active?.findCandidates(
      LineEditor.Request(
        line: String(decoding: line.prefix(Int(end)), as: UTF8.self), wordStart: Int(start),
        rest: String(decoding: line.dropFirst(Int(end)), as: UTF8.self)))
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

/// Takes the next byte of the input.
private func readByte(_ stream: UnsafeMutablePointer<FILE>?) -> CInt {
  guard let stream else { return EOF }
  if let byte = MainActor.assumeIsolated({ LineEditor.active?.blocks?.popFirst() }) {
    return CInt(byte)
  }
  waitForInput(fileno(stream))
  let byte: UInt8? = MainActor.assumeIsolated {
    guard let editor = LineEditor.active else { return nil }
    editor.blocks?.fill()
    return editor.blocks?.popFirst()
  }
  return byte.map(CInt.init) ?? rl_getc(stream)
}

/// Waits for the input, and meanwhile for what the editor has to attend to.
private func waitForInput(_ input: Int32) {
  while let descriptor = MainActor.assumeIsolated({ LineEditor.active?.occurrence?.descriptor() }) {
    // A signal must not come between the look whether there is one and the wait.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let isPending = rl_pending_signal() != 0
    let answer = isPending ? -1 : virshBackupWaitForInput(input, descriptor, &before)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    if answer == 1 { break }
    if answer == 2 {
      MainActor.assumeIsolated { LineEditor.active?.attend() }
    } else {
      // readline's handlers only take a note; it dies of ^C, or draws the line for a new width.
      rl_check_signals()
    }
  }
}
