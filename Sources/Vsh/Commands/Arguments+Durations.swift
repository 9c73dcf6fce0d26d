// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Arguments {
  /// Returns the value of an option as a length of time, in seconds.
  ///
  /// A number alone counts seconds; `s`, `m`, `h`, `d` or `w` right behind it makes it seconds, minutes,
  /// hours, days or weeks: `90s`, `5m`, `2h`, `14d`.
  ///
  /// - Parameter name: The option.
  /// - Returns: The seconds, at least 1; nil when the option was not given.
  /// - Throws: `ShellError` when the text is no such time, is zero, or is longer than 68 years.
  package func duration(_ name: String) throws(ShellError) -> Int64? {
    guard let text = raw(name) else { return nil }
    var lines = ["Numeric value '\(text)' for <\(name)> option is malformed or out of range"]
    var digits = text[...]
    var unit: Int64 = 1
    if let last = text.last, last.isLetter {
      guard let factor = Int64(durationUnit: last) else {
        lines.append("invalid argument: a time ends with s, m, h, d or w, not with '\(last)'")
        throw ShellError(lines: lines)
      }
      unit = factor
      digits = text.dropLast()
    }
    // More seconds than that the system's clocks need not take.
    let longest = Int64(Int32.max)
    guard let number = Int64(decimal: String(digits)), number > 0, number <= longest / unit else {
      throw ShellError(lines: lines)
    }
    return number * unit
  }
}

extension Int64 {
  /// Reads the unit of a length of time, as seconds; nil for what is none.
  fileprivate init?(durationUnit unit: Character) {
    switch unit {
    case "s": self = 1
    case "m": self = 60
    case "h": self = 3600
    case "d": self = 86400
    case "w": self = 7 * 86400
    default: return nil
    }
  }
}
