// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Arguments {
  /// Returns the value of an option as a number of bytes.
  ///
  /// The suffixes are those of virsh, in either case: `b` and `bytes`; `K`, `M`, `G`, `T`, `P` and `E`, alone
  /// or with `iB`, by 1024; with `B` by 1000: `10M`, `500KiB`, `2GB`.
  ///
  /// - Parameters:
  ///   - name: The option.
  ///   - unit: Bytes that a number without a suffix counts.
  /// - Returns: The bytes; nil when the option was not given.
  /// - Throws: `ShellError` when the text is no such number, or is more than 2^63 - 1 bytes.
  package func scaled(_ name: String, unit: UInt64) throws(ShellError) -> UInt64? {
    guard let text = raw(name) else { return nil }
    let suffix = text.drop { !$0.isLetter }
    var lines = ["Numeric value '\(text)' for <\(name)> option is malformed or out of range"]
    guard let factor = suffix.isEmpty ? unit : UInt64(sizeSuffix: suffix.lowercased()) else {
      lines.append("invalid argument: unknown suffix '\(suffix)'")
      throw ShellError(lines: lines)
    }
    guard let number = UInt64(decimal: String(text.dropLast(suffix.count))) else {
      throw ShellError(lines: lines)
    }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    guard !isTooLarge, bytes <= UInt64(Int64.max) else { throw ShellError(lines: lines) }
    return bytes
  }
}

extension UInt64 {
  /// Reads what a suffix of a size multiplies by; nil for what is none.
  fileprivate init?(sizeSuffix suffix: String) {
    if ["b", "byte", "bytes"].contains(suffix) {
      self = 1
      return
    }
    guard let first = suffix.first, let place = Array("kmgtpe").firstIndex(of: first) else {
      return nil
    }
    let base: UInt64
    switch suffix.dropFirst() {
    case "", "ib": base = 1024
    case "b": base = 1000
    default: return nil
    }
    self = (0...place).reduce(1) { product, _ in product * base }
  }
}
