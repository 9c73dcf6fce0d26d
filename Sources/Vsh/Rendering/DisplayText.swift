// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

/// Text made safe for a table, and the columns it takes on a terminal.
struct DisplayText {
  /// The text; each byte of what cannot be printed stands as `\xNN`.
  private(set) var text = ""
  /// The columns it takes.
  private(set) var width = 0

  /// Makes a text safe.
  ///
  /// - Parameters:
  ///   - source: The text.
  ///   - isASCII: Whether the terminal knows ASCII only.
  init(_ source: String, isASCII: Bool) {
    let scalars = Array(source.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      // An escape in the source must not pass for one of ours.
      let looksEscaped = scalar == "\\" && scalars.dropFirst(index + 1).first == "x"
      if looksEscaped || !scalar.isPrintable || (isASCII && !scalar.isASCII) {
        let escaped = scalar.escapedBytes
        text += escaped
        width += escaped.utf8.count
      } else {
        text.unicodeScalars.append(scalar)
        width += scalar.columns
      }
    }
  }

  /// Whether the process's locale has UTF-8.
  static var isLocaleUTF8: Bool {
    guard let codeset = nl_langinfo(nl_item(CODESET)) else { return false }
    return String(cString: codeset) == "UTF-8"
  }
}

extension String {
  /// A message that holds names of others made safe for a terminal: each byte of a control character,
  /// line ends and tabs aside, stands as `\xNN`.
  package var printable: String {
    guard unicodeScalars.contains(where: \.isUnsafe) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isUnsafe {
        text += scalar.escapedBytes
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  /// Its bytes, each as `\xNN`.
  fileprivate var escapedBytes: String {
    let bytes = rawByte.map { [$0] } ?? Array(String(self).utf8)
    return bytes.reduce(into: "") { text, byte in
      text += (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
    }
  }

  /// Whether a terminal does something about it that no message needs.
  fileprivate var isUnsafe: Bool {
    (value < 0x20 && self != "\n" && self != "\t") || (0x7F...0x9F).contains(value)
  }

  /// The blocks of which each character is two columns wide: East Asian scripts and emoji.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0,
    0x23F3...0x23F3, 0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F,
    0x2693...0x2693, 0x26A1...0x26A1, 0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5,
    0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA, 0x26F2...0x26F3, 0x26F5...0x26F5,
    0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B, 0x2728...0x2728,
    0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
    0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55,
    0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FB, 0x1F004...0x1F004,
    0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E, 0x1F191...0x1F19A, 0x1F200...0x1F320,
    0x1F32D...0x1F335, 0x1F337...0x1F37C, 0x1F37E...0x1F393, 0x1F3A0...0x1F3CA,
    0x1F3CF...0x1F3D3, 0x1F3E0...0x1F3F0, 0x1F3F4...0x1F3F4, 0x1F3F8...0x1F43E,
    0x1F440...0x1F440, 0x1F442...0x1F4FC, 0x1F4FF...0x1F53D, 0x1F54B...0x1F54E,
    0x1F550...0x1F567, 0x1F57A...0x1F57A, 0x1F595...0x1F596, 0x1F5A4...0x1F5A4,
    0x1F5FB...0x1F64F, 0x1F680...0x1F6C5, 0x1F6CC...0x1F6CC, 0x1F6D0...0x1F6D2,
    0x1F6D5...0x1F6D7, 0x1F6DC...0x1F6DF, 0x1F6EB...0x1F6EC, 0x1F6F4...0x1F6FC,
    0x1F7E0...0x1F7EB, 0x1F7F0...0x1F7F0, 0x1F90C...0x1F93A, 0x1F93C...0x1F945,
    0x1F947...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
  ]

  /// Whether it shows as something.
  fileprivate var isPrintable: Bool {
    guard rawByte == nil else { return false }
    return switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    default: true
    }
  }

  // C's `wcwidth` and `iswprint` are not in Swift's view of the library.
  /// The columns that it takes on a terminal.
  fileprivate var columns: Int {
    if value < 0x300 {
      return 1
    }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return Self.wide.contains { $0.contains(value) } ? 2 : 1
    }
  }
}
