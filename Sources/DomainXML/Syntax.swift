// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What names, UUIDs, numbers and paths may look like.
///
/// All of them come from outside and end up in file names, QMP commands and definitions.
package enum Syntax {
  /// Whether a text is a backup's name: libvirt's rule for the names of checkpoints.
  package static func isBackupName(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".")
      && text.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
  }

  /// Whether a text is a UUID in its usual form, with dashes, in either case.
  package static func isUUID(_ text: String) -> Bool {
    var place = 0
    for byte in text.utf8 {
      let isDash = place == 8 || place == 13 || place == 18 || place == 23
      guard place < 36, isDash ? byte == UInt8(ascii: "-") : isHexDigit(byte) else { return false }
      place += 1
    }
    return place == 36
  }

  /// Whether a text can be the name of a volume that stays in its pool.
  ///
  /// A colon is refused, since QEMU takes what stands before it in a backing file's name for a
  /// protocol (`nbd:`, `json:`).
  package static func isVolumeName(_ text: String) -> Bool {
    isPlainText(text, atMost: 255) && text != "." && text != ".."
      && !text.utf8.contains(UInt8(ascii: "/")) && !text.utf8.contains(UInt8(ascii: ":"))
  }

  /// Whether a text is an absolute path without a `..` component.
  package static func isAbsolutePath(_ text: String) -> Bool {
    isPlainText(text, atMost: 4095) && text.utf8.first == UInt8(ascii: "/")
      && !text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
  }

  /// Whether libvirt can have a domain of that name, for which it makes files and directories.
  package static func isDomainName(_ text: String) -> Bool {
    // The longest of the files has ".xml.new" behind the name.
    (1...247).contains(text.utf8.count) && text != "." && text != ".."
      && !text.utf8.contains { [UInt8(ascii: "/"), UInt8(ascii: "\n"), 0].contains($0) }
  }

  /// Whether a text is the name of a helper domain: `virsh-backup-` and 12 hex digits.
  package static func isHelperName(_ text: String) -> Bool {
    let prefix = "virsh-backup-"
    return text.hasPrefix(prefix) && text.utf8.count == prefix.utf8.count + 12
      && text.utf8.dropFirst(prefix.utf8.count).allSatisfy {
        isHexDigit($0) && !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0)
      }
  }

  /// Whether a text can be the name of a block node, QEMU's own (`#block123`) included.
  static func isNodeName(_ text: String) -> Bool {
    (1...31).contains(text.utf8.count)
      && text.utf8.allSatisfy { isAlphanumeric($0) || "_.#-".utf8.contains($0) }
  }

  /// Whether a text is one word of letters, digits, `_` and `-`: a format, a reason code.
  static func isWord(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { isAlphanumeric($0) || "_-".utf8.contains($0) }
  }

  /// Whether a text is not empty, not too long (in bytes) and without control characters.
  static func isPlainText(_ text: String, atMost limit: Int) -> Bool {
    (1...limit).contains(text.utf8.count)
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  /// Reads a number of digits only, no sign and no spaces; nil when it is none or too large.
  static func number(_ text: String) -> UInt64? {
    guard text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { return nil }
    return UInt64(text)
  }

  /// Whether a byte is an ASCII letter or digit.
  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }

  /// Whether a byte is a hexadecimal digit, in either case.
  static func isHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
      UInt8(ascii: "a")...UInt8(ascii: "f"):
      true
    default: false
    }
  }
}
