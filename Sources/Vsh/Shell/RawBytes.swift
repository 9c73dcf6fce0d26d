// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Text from outside need not be UTF-8, and goes out again as it came.
///
/// A byte that belongs to no character is kept as a scalar of its own, from the end of the last
/// private plane: U+10FF80 for 0x80 to U+10FFFF for 0xFF. Such a scalar that comes from outside is
/// taken for four such bytes, so every text comes back as it was.
extension String {
  /// Takes bytes for a text, whatever they are.
  package init(rawBytes bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self), !text.holdsRawBytes {
      self = text
      return
    }
    let bytes = Array(bytes)
    // At most four bytes for each; what is not used of them takes no memory.
    self = String(unsafeUninitializedCapacity: 4 * bytes.count) { text in
      var end = 0
      var position = 0
      while position < bytes.count {
        let byte = bytes[position]
        let length = byte < 0x80 ? 1 : Self.length(ofCharacterIn: bytes, at: position)
        if length == 0 {
          text[end] = 0xF4
          text[end + 1] = 0x8F
          text[end + 2] = byte < 0xC0 ? 0xBE : 0xBF
          text[end + 3] = 0x80 | byte & 0x3F
          (end, position) = (end + 4, position + 1)
        }
        for index in position..<position + length {
          text[end] = bytes[index]
          end += 1
        }
        position += length
      }
      return end
    }
  }

  /// How many bytes the character at a position has; 0 where none is, or one that stands for a byte.
  private static func length(ofCharacterIn bytes: [UInt8], at position: Int) -> Int {
    // The second byte is limited where the first alone would allow forms that are too long,
    // surrogates, or numbers that are too large.
    let (length, second): (Int, ClosedRange<UInt8>)
    switch bytes[position] {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return 0 }
    for index in position + 2..<position + length
    where !(0x80...0xBF).contains(bytes[index]) {
      return 0
    }
    return bytes.isRawScalar(at: position) ? 0 : length
  }

  /// The bytes of the text as it goes out.
  package var rawBytes: [UInt8] {
    let text = Array(utf8)
    guard holdsRawBytes else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      if text.isRawScalar(at: position) {
        bytes.append(text[position + 3] | (text[position + 2] == 0xBF ? 0x40 : 0))
        position += 4
      } else {
        bytes.append(text[position])
        position += 1
      }
    }
    return bytes
  }

  /// Hands a function the text as it goes out.
  package func withRawBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    guard !holdsRawBytes else { return rawBytes.withUnsafeBufferPointer(body) }
    var text = self
    return text.withUTF8(body)
  }

  /// Hands a C function the text as it goes out.
  package func withRawCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    guard holdsRawBytes else { return withCString(body) }
    return (rawBytes.map(CChar.init(bitPattern:)) + [0]).withUnsafeBufferPointer { characters in
      // Never nil: there is the zero at least.
      characters.baseAddress.map(body) ?? withCString(body)
    }
  }

  private var holdsRawBytes: Bool {
    // Their first byte is rare, whatever the language.
    utf8.contains(0xF4) && unicodeScalars.contains { $0.rawByte != nil }
  }
}

extension Unicode.Scalar {
  /// The byte that it stands for; nil for a character.
  var rawByte: UInt8? {
    value >= 0x10FF80 ? UInt8(truncatingIfNeeded: value) : nil
  }
}

extension [UInt8] {
  /// Whether the UTF-8 form of a scalar that stands for a byte is at a position.
  fileprivate func isRawScalar(at position: Int) -> Bool {
    self[position] == 0xF4 && position + 3 < count && self[position + 1] == 0x8F
      && self[position + 2] >= 0xBE
  }
}
