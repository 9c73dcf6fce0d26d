// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An option of the program, by its long name.
enum GlobalOption: String, CaseIterable {
  /// How an option takes its value.
  enum Value {
    /// Not at all.
    case none
    /// After `=` only.
    case optional
    /// After `=`, or as the next word.
    case required
  }

  case connect
  case debug
  case escape
  case help
  case keepaliveCount = "keepalive-count"
  case keepaliveInterval = "keepalive-interval"
  case log
  /// Newer versions of virsh know it; there is no agent here that it would keep from starting.
  case noTTYAgent = "no-pkttyagent"
  case quiet
  case readOnly = "readonly"
  case timing
  case version
  /// Stands for a letter that is no option.
  case unsupported = "-"

  /// The letter; nil for an option without one.
  var letter: Character? {
    switch self {
    case .keepaliveCount: "K"
    case .noTTYAgent, .unsupported: nil
    default: rawValue.first
    }
  }

  /// How it takes its value.
  var value: Value {
    switch self {
    case .connect, .debug, .escape, .keepaliveCount, .keepaliveInterval, .log: .required
    case .version: .optional
    case .help, .noTTYAgent, .quiet, .readOnly, .timing, .unsupported: .none
    }
  }

  /// The error for a value that is not there.
  var missingValue: UsageError {
    let letter = letter.map(String.init) ?? ""
    return UsageError("option '-\(letter)'/'--\(rawValue)' requires an argument")
  }
}

extension Int32 {
  /// Reads a number as C's `strtol` does in base 0: `0x` is hexadecimal, a leading `0` octal.
  init?(cLiteral text: String) {
    var digits = text.drop { $0.isCBlank }
    var sign = ""
    if let first = digits.first, first == "-" || first == "+" {
      sign = String(digits.removeFirst())
    }
    guard let first = digits.first, first != "-", first != "+" else { return nil }
    let radix: Int
    if digits.lowercased().hasPrefix("0x") {
      digits = digits.dropFirst(2)
      radix = 16
    } else {
      radix = first == "0" ? 8 : 10
    }
    self.init(sign + digits, radix: radix)
  }
}
