// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

// The quotes of file names, by the rules of the shell: in single quotes nothing is special, in
// double quotes the backslash and the quote are.

/// Quotes a file name that readline completed.
///
/// - Parameters:
///   - text: The name.
///   - match: Whether it is whole or the beginning of several, which makes no difference.
///   - openQuote: The quote that the user has opened; NUL for none.
/// - Returns: The name as it is to stand in the line, its opening quote included; to be freed.
func quoteFileName(
  _ text: UnsafeMutablePointer<CChar>?, _ match: CInt, _ openQuote: UnsafeMutablePointer<CChar>?
) -> UnsafeMutablePointer<CChar>? {
  guard let text else { return nil }
  let name = UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
  let quote = openQuote.map { UInt8(bitPattern: $0.pointee) } ?? 0
  return copy(quoted(name, inside: quote == 0 ? nil : quote))
}

/// Takes the quotes off a file name that the user has begun.
///
/// - Parameters:
///   - text: What stands in the line, without the opening quote.
///   - openQuote: The quote that the user has opened; 0 for none.
/// - Returns: The name; to be freed.
func unquoteFileName(
  _ text: UnsafeMutablePointer<CChar>?, _ openQuote: CInt
) -> UnsafeMutablePointer<CChar>? {
  guard let text else { return nil }
  let typed = UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
  return copy(unquoted(typed, inside: UInt8(exactly: openQuote).flatMap { $0 == 0 ? nil : $0 }))
}

private let backslash = UInt8(ascii: "\\")
private let single = UInt8(ascii: "'")
private let double = UInt8(ascii: "\"")

/// A name with what has to be escaped inside of a quote, or without one.
func quoted(_ name: [UInt8], inside quote: UInt8?) -> [UInt8] {
  switch quote {
  case single:
    [single] + name.flatMap { $0 == single ? Array("'\\''".utf8) : [$0] }
  case double:
    [double] + name.flatMap { $0 == double || $0 == backslash ? [backslash, $0] : [$0] }
  default:
    name.flatMap { " \t;\"'\\".utf8.contains($0) ? [backslash, $0] : [$0] }
  }
}

/// What the typed part of a name stands for.
func unquoted(_ typed: [UInt8], inside openQuote: UInt8?) -> [UInt8] {
  var name: [UInt8] = []
  var quote = openQuote
  var isEscaped = false
  for byte in typed {
    if isEscaped {
      name.append(byte)
      isEscaped = false
    } else if byte == backslash, quote != single {
      isEscaped = true
    } else if byte == quote {
      quote = nil
    } else if quote == nil, byte == single || byte == double {
      quote = byte
    } else {
      name.append(byte)
    }
  }
  return name
}

/// Bytes as a C string in memory of `malloc`, which readline frees.
private func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
  (bytes + [0]).withUnsafeBytes { source in
    guard let memory = malloc(source.count), let start = source.baseAddress else { return nil }
    memcpy(memory, start, source.count)
    return memory.assumingMemoryBound(to: CChar.self)
  }
}
