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
    var scalars = String.UnicodeScalarView()
    var rest = bytes[...]
    while !rest.isEmpty {
      var parser = Unicode.UTF8.ForwardParser()
      var source = rest.makeIterator()
      switch parser.parseScalar(from: &source) {
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        scalars.append(
          contentsOf: scalar.rawByte == nil ? [scalar] : encoded.map(Unicode.Scalar.init(rawByte:)))
        rest = rest.dropFirst(encoded.count)
      case .error, .emptyInput:
        if let byte = rest.popFirst() { scalars.append(Unicode.Scalar(rawByte: byte)) }
      }
    }
    self = String(scalars)
  }

  /// The bytes of the text as it goes out.
  package var rawBytes: [UInt8] {
    guard holdsRawBytes else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar in
      scalar.rawByte.map { [$0] } ?? Array(String(scalar).utf8)
    }
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
  /// Stands for a byte above 0x7F that belongs to no character.
  fileprivate init(rawByte byte: UInt8) {
    self = Unicode.Scalar(0x10FF00 + UInt32(byte)) ?? "\u{FFFD}"
  }

  /// The byte that it stands for; nil for a character.
  fileprivate var rawByte: UInt8? {
    value >= 0x10FF80 ? UInt8(truncatingIfNeeded: value) : nil
  }
}
