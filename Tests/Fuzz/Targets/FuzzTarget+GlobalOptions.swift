// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension FuzzTarget {
  /// The program's own options, and numbers.
  static let globalOptions = FuzzTarget(name: "global-options") { bytes in
    let words = words(bytes)
    if let options = try? GlobalOptions.parse(words) {
      try expect(
        options.action != .run || words.hasSuffix(options.words), "what follows is left: \(words)")
      // Nothing behind `--` is an option.
      let rest = try GlobalOptions.parse(["-q", "--"] + words)
      try expect(rest.isQuiet && rest.words == words, "-- ends the options: \(words)")
    }
    for word in words {
      try checkNumber(word)
    }
  }

  private static func checkNumber(_ word: String) throws {
    let arguments = Arguments(command: "c", values: [.init(name: "n", text: word)])
    if let number: Int64 = try? arguments.number("n") {
      let again = Arguments(command: "c", values: [.init(name: "n", text: String(number))])
      try expect(try again.number("n", as: Int64.self) == number, "a number stays one: \(word)")
    }
  }
}

extension Array where Element: Equatable {
  fileprivate func hasSuffix(_ other: [Element]) -> Bool {
    count >= other.count && suffix(other.count).elementsEqual(other)
  }
}
