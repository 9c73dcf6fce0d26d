// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Something a guest does to a disk, in the words of `qemu-io`.
package enum DiskChange: Sendable, Equatable {
  /// `write -P BYTE OFFSET LENGTH`
  case write(pattern: UInt8, offset: UInt64, length: UInt64)
  /// `write -z OFFSET LENGTH`, with `-u` when the clusters may go.
  case zero(offset: UInt64, length: UInt64, unmap: Bool)
  /// `discard OFFSET LENGTH`
  case discard(offset: UInt64, length: UInt64)

  /// Reads a `qemu-io` command of these three kinds; numbers may end in k, M or G.
  ///
  /// - Throws: `CommandError` when the text is something else.
  package init(_ text: String) throws {
    var words = text.split(separator: " ").map(String.init)[...]
    let verb = words.popFirst()
    var pattern: UInt8 = 0xcd
    var zero = false, unmap = false
    while let word = words.first, word.hasPrefix("-") {
      words.removeFirst()
      switch word {
      case "-z": zero = true
      case "-u": unmap = true
      case "-P": pattern = words.popFirst().flatMap(Self.byte) ?? pattern
      default: throw CommandError("not a disk change: \(text)")
      }
    }
    let numbers = words.compactMap(Self.number)
    guard words.count == 2, numbers.count == 2 else {
      throw CommandError("not a disk change: \(text)")
    }
    switch verb {
    case "write" where zero: self = .zero(offset: numbers[0], length: numbers[1], unmap: unmap)
    case "write": self = .write(pattern: pattern, offset: numbers[0], length: numbers[1])
    case "discard": self = .discard(offset: numbers[0], length: numbers[1])
    default: throw CommandError("not a disk change: \(text)")
    }
  }

  /// The command as `qemu-io` reads it.
  package var text: String {
    switch self {
    case .write(let pattern, let offset, let length): "write -P \(pattern) \(offset) \(length)"
    case .zero(let offset, let length, let unmap):
      "write -z \(unmap ? "-u " : "")\(offset) \(length)"
    case .discard(let offset, let length): "discard \(offset) \(length)"
    }
  }

  private static func byte(_ text: String) -> UInt8? {
    text.hasPrefix("0x") ? UInt8(text.dropFirst(2), radix: 16) : UInt8(text)
  }

  private static func number(_ text: String) -> UInt64? {
    let shifts: [Character: UInt64] = ["k": 10, "K": 10, "M": 20, "G": 30, "T": 40]
    guard let last = text.last, let shift = shifts[last] else { return UInt64(text) }
    return UInt64(text.dropLast()).map { $0 << shift }
  }
}
