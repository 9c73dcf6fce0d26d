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

  /// The value of an option as a number that is not negative.
  ///
  /// - Throws: `ShellError` when the text is no number or out of range.
  package func unsigned(_ name: String) throws(ShellError) -> UInt64? {
    try number(name)
  }

  /// The value of an option as a number.
  ///
  /// - Throws: `ShellError` when the text is no number or out of range.
  package func int(_ name: String) throws(ShellError) -> Int? {
    try number(name)
  }

  /// The value of an option as a size: a number with a unit.
  ///
  /// - Parameters:
  ///   - name: The option.
  ///   - unit: What a number without a unit counts.
  ///   - limit: The largest size.
  /// - Returns: The size in bytes; nil when the option was not given.
  /// - Throws: `ShellError` when there are no digits, the unit is unknown or the size too large.
  package func scaled(
    _ name: String, unit: UInt64 = 1, limit: UInt64 = .max
  ) throws(ShellError) -> UInt64? {
    guard let text = raw(name) else { return nil }
    let problem = "Scaled numeric value '\(text)' for <\(name)> option is malformed or out of range"
    let digits = text.drop { $0.isCBlank }.prefixOfNumber
    guard !digits.isEmpty, let value = UInt64(digits.drop { $0 == "+" }) else {
      throw ShellError(problem)
    }
    let suffix = text[digits.endIndex...]
    guard let factor = suffix.isEmpty ? unit : UInt64(unitSuffix: String(suffix)) else {
      throw ShellError(lines: [problem, "invalid argument: unknown suffix '\(suffix)'"])
    }
    guard value <= limit / factor else {
      throw ShellError(
        lines: [problem, "numerical overflow: value too large: \(value)\(suffix)"])
    }
    return value * factor
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

extension Substring {
  /// The sign and the digits it begins with; empty when no digit follows.
  fileprivate var prefixOfNumber: Substring {
    let sign = prefix { $0 == "+" }.prefix(1)
    let digits = self[sign.endIndex...].prefix { ("0"..."9").contains($0) }
    return digits.isEmpty ? self[startIndex..<startIndex] : self[startIndex..<digits.endIndex]
  }
}

extension UInt64 {
  /// Reads a unit: `k` and `KiB` are 1024, `kB` is 1000, and so on up to `e`.
  fileprivate init?(unitSuffix suffix: String) {
    let suffix = suffix.lowercased()
    if ["b", "byte", "bytes"].contains(suffix) {
      self = 1
      return
    }
    let base: UInt64
    switch suffix.dropFirst() {
    case "", "ib": base = 1024
    case "b": base = 1000
    default: return nil
    }
    guard let first = suffix.first, let power = Array("kmgtpe").firstIndex(of: first) else {
      return nil
    }
    self = (0...power).reduce(1) { result, _ in result * base }
  }
}
