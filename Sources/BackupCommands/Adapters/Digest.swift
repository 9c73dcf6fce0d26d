// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import Glibc
import Vsh

/// A program that computes the SHA-256 of what it reads.
///
/// OpenSSL's is several times as fast as that of the core utilities, which every host has. A program and
/// no library: what is linked stays what virsh links too.
final class Digest {
  private static let programs: [(name: String, arguments: [String])] = [
    ("openssl", ["dgst", "-sha256", "-r"]), ("sha256sum", []),
  ]

  private let child: Child
  private let process: pid_t
  private let output: Int32
  private var hasEnded = false

  /// Starts the program.
  ///
  /// - Parameter input: What it reads; only looked at while this starts.
  /// - Throws: ``BackupError`` where there is none.
  init(reading input: Int32) throws {
    guard let output = Pipe() else { throw Digest.missing }
    defer { close(output.writing) }
    for (name, arguments) in Digest.programs {
      guard let path = Digest.path(of: name) else { continue }
      let child = Child(path, arguments)
      let result = child.spawn(
        output: output.writing, errors: STDERR_FILENO, defaults: [], input: input)
      guard case .success(let process) = result else { continue }
      self.child = child
      self.process = process
      self.output = output.reading
      return
    }
    close(output.reading)
    throw Digest.missing
  }

  deinit {
    close(output)
    guard !hasEnded else { return }
    // The program would go on reading data that nobody needs.
    kill(process, SIGKILL)
    _ = child.wait(for: process)
  }

  /// Waits for a moment for the program.
  ///
  /// - Returns: Whether it has ended or is about to.
  func isReady(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }

  /// Takes the sum from a program that has read all.
  ///
  /// - Returns: 64 hex digits in lower case.
  /// - Throws: ``BackupError`` where it failed.
  func sum() throws -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 256)
    while true {
      let count = read(output, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      text += buffer.prefix(count)
    }
    let ending = child.wait(for: process)
    hasEnded = true
    let sum = String(decoding: text.prefix(64), as: UTF8.self).lowercased()
    guard ending == .exited(0), sum.utf8.count == 64, sum.allSatisfy(\.isHexDigit) else {
      throw Digest.failed
    }
    return sum
  }

  private static let missing = BackupError(
    .failed, "checksums need a program that can be run: openssl or sha256sum")
  /// The program ended, or could not be used.
  static let failed = BackupError(.failed, "the program that computes checksums failed")

  /// The program of that name in `PATH`; nil where there is none.
  private static func path(of name: String) -> String? {
    (Program.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").lazy
      .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
