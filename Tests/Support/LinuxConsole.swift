// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a ``LinuxGuest`` has said since it was last started.
package struct LinuxConsole: Sendable {
  /// The file to which QEMU writes it.
  package let path: String

  /// All of it.
  package var text: String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  /// The number of the last line that a disk is known to hold; 0 before the first.
  package func written(_ disk: String) -> Int { number("\(disk) ") ?? 0 }

  /// The number of lines that a disk held when the guest started; nil where it did not say, or they
  /// were not all there.
  package func found(_ disk: String) -> Int? { number("found \(disk) ") }

  /// What was not as it should be.
  package var complaints: [String] {
    lines.filter { line in
      ["broken ", "failed "].contains { line.hasPrefix($0) }
        || ["I/O error", "EXT4-fs error", "EXT4-fs warning", "Kernel panic"].contains {
          line.contains($0)
        }
    }.map(String.init)
  }

  /// The disks whose file systems had not been unmounted, nor frozen, so that the kernel went
  /// through their journals.
  package var recovered: [String] {
    lines.compactMap { $0.firstMatch(of: /EXT4-fs \((\w+)\): recovery complete/)?.1 }
      .map(String.init)
  }

  /// Waits until the guest has started and written lines, or has said why it does not.
  ///
  /// - Throws: `CommandError` with all it said when it does neither in time.
  package func awaitStart() throws {
    try wait("the guest starts") { written("vdb") > 0 || !complaints.isEmpty }
  }

  /// Waits until the guest has written so many lines more.
  ///
  /// - Throws: `CommandError` with all it said when it does not in time.
  package func awaitLines(_ count: Int) throws {
    let before = written("vdb")
    try wait("\(count) lines after line \(before)") { written("vdb") >= before + count }
  }

  private func wait(_ what: String, _ condition: () -> Bool) throws {
    do {
      try eventually(what, within: .seconds(180), every: .milliseconds(50), condition)
    } catch let error as CommandError {
      throw CommandError("\(error): \(text.suffix(4000))")
    }
  }

  /// The number at the end of the last whole line that begins so.
  private func number(_ prefix: String) -> Int? {
    let line = lines.last { $0.hasPrefix(prefix) }
    return line.flatMap { Int($0.dropFirst(prefix.count)) }
  }

  /// The lines that have ended, without the firmware's control sequences before the first.
  private var lines: [Substring] {
    text.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast().map { line in
      line.lastIndex(of: "\u{1b}").map { escape in
        line[escape...].drop { $0 != "J" && $0 != "m" }.dropFirst()
      } ?? line
    }
  }
}
