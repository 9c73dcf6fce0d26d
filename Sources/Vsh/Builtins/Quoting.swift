// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Words made fit for other languages.
package enum Quoting {
  /// A word that a shell takes as it is: in single quotes where it must be.
  package static func shell(_ word: String) -> String {
    if isPlain(word.utf8), !word.isEmpty {
      return word
    }
    // By scalars: a quote that an accent follows is a quote to the shell nevertheless.
    let parts = word.unicodeScalars.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.map { String($0) }.joined(separator: "'\\''") + "'"
  }

  /// Whether a shell takes all of the bytes as they are.
  package static func isPlain(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
        true
      default:
        "%+,-./:=@_".utf8.contains(byte)
      }
    }
  }

  /// A word as XML text or attribute value.
  package static func xml(_ word: String) -> String {
    var text = ""
    for scalar in word.unicodeScalars {
      switch scalar {
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "&": text += "&amp;"
      case "'": text += "&apos;"
      case "\"": text += "&quot;"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The parts of a word between single commas; two commas are one that divides nothing.
  ///
  /// The empty word has no parts.
  package static func commaParts(_ word: String) -> [String] {
    if word.isEmpty {
      return []
    }
    var parts: [String.UnicodeScalarView] = [.init()]
    var rest = word.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar != "," {
        parts[parts.count - 1].append(scalar)
      } else if rest.first == "," {
        rest.removeFirst()
        parts[parts.count - 1].append(",")
      } else {
        parts.append(.init())
      }
    }
    return parts.map { String($0) }
  }
}
