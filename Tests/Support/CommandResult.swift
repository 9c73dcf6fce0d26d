// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How a program ended, and what it said.
package struct CommandResult: Sendable, CustomStringConvertible {
  /// How a process ends.
  package enum Ending: Sendable, Equatable {
    /// It called `exit` with this status.
    case exited(Int32)
    /// This signal killed it.
    case signalled(Int32)
  }

  /// The program and its arguments.
  package var command: [String]
  /// How it ended.
  package var ending: Ending
  /// What it wrote to standard output.
  package var output: [UInt8]
  /// What it wrote to standard error.
  package var errorOutput: [UInt8]
  /// The most memory it held at one time, in KiB.
  package var peakMemory: Int
  /// From start to end.
  package var duration: Duration

  /// Exit status; 128 and the signal's number for a killed process, as a shell says it.
  package var status: Int32 {
    switch ending {
    case .exited(let status): status
    case .signalled(let signal): 128 + signal
    }
  }
  /// Standard output as text.
  package var stdout: String { String(decoding: output, as: UTF8.self) }
  /// Standard error as text.
  package var stderr: String { String(decoding: errorOutput, as: UTF8.self) }

  /// The whole story, for a failed expectation.
  package var description: String {
    "\(command.joined(separator: " ")): \(ending)\n\(stdout)\(stderr)"
  }

  /// The result itself, when the program exited with status 0.
  ///
  /// - Throws: `CommandError` with everything the program said, when it did not.
  @discardableResult
  package func expectSuccess() throws(CommandError) -> CommandResult {
    guard ending == .exited(0) else { throw CommandError(description) }
    return self
  }
}

/// A program that could not be run, did not end in time, or failed where it must not.
package struct CommandError: Error, CustomStringConvertible {
  /// What happened.
  package var description: String

  /// Makes an error with a text.
  package init(_ description: String) { self.description = description }
}
