// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Arguments {
  /// The value of an option as a number of the type that the caller wants.
  ///
  /// Decimal, with blanks and a sign before it if need be, and nothing after it. An unsigned type
  /// takes no minus sign.
  ///
  /// - Parameters:
  ///   - name: The option.
  ///   - type: The type of the number, which sets its range.
  /// - Returns: The number; nil when the option was not given.
  /// - Throws: `ShellError` when the text is no number or out of range.
  package func number<Number: FixedWidthInteger>(
    _ name: String, as type: Number.Type = Number.self
  ) throws(ShellError) -> Number? {
    guard let text = raw(name) else { return nil }
    guard let number = Number(decimal: text) else {
      throw ShellError("Numeric value '\(text)' for <\(name)> option is malformed or out of range")
    }
    return number
  }
}

extension FixedWidthInteger {
  /// Reads a number as C's `strtol` does in base 10, but for the whole text.
  init?(decimal text: String) {
    let digits = text.drop { $0.isCBlank }
    if !Self.isSigned, digits.first == "-" {
      return nil
    }
    self.init(digits, radix: 10)
  }
}

extension Character {
  /// Whether C's `isspace` says so of it.
  var isCBlank: Bool {
    switch self {
    case " ", "\t", "\n", "\u{0B}", "\u{0C}", "\r", "\r\n": true
    default: false
    }
  }
}
