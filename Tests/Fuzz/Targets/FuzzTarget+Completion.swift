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
    for start in 0...line.utf8.count {
      _ = shell.completions(line: line, wordStart: start)
    }
    var words = words(bytes)
    try checkCandidates(shell, words: words.dropLast(), typed: words.removeLast())
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
