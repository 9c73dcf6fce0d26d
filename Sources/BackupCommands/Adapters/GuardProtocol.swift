// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// What a client and the process that guards its domain say to each other: orders of one byte, and
/// answers of one line, which is empty where all is well and else says what is not.
enum GuardProtocol {
  /// Hold the guest.
  static let hold = UInt8(ascii: "h")
  /// Let it go.
  static let release = UInt8(ascii: "r")

  /// Says something; who is gone does not hear it.
  static func say(_ text: String, on descriptor: Int32) {
    let line = String(text.map { $0.isNewline ? " " : $0 }) + "\n"
    var rest = Array(line.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest.removeFirst(count)
      } else if errno != EINTR {
        return
      }
    }
  }

  /// Waits for a byte.
  ///
  /// - Returns: The byte; nil where none came in time, or the other has ended.
  static func byte(on descriptor: Int32, until end: ContinuousClock.Instant?) -> UInt8? {
    while true {
      var milliseconds: Int32 = -1
      if let end {
        let left = (end - .now) / .milliseconds(1)
        milliseconds = Int32(max(0, left.rounded(.up)))
      }
      var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let count = poll(&polled, 1, milliseconds)
      if count > 0 {
        var byte: UInt8 = 0
        let count = read(descriptor, &byte, 1)
        if count == 1 { return byte }
        if count == 0 || errno != EINTR { return nil }
      } else if count == 0 || errno != EINTR {
        return nil
      }
    }
  }

  /// Waits for a line.
  ///
  /// - Returns: The line; nil where it did not come in time, or the other has ended.
  static func line(on descriptor: Int32, until end: ContinuousClock.Instant?) -> String? {
    var line: [UInt8] = []
    while let byte = byte(on: descriptor, until: end) {
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }
}
