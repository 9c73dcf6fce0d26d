// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

/// Another program, run to its end.
struct Child {
  /// How a program ended.
  enum Ending: Equatable {
    /// By itself, with that status.
    case exited(Int32)
    /// By a signal.
    case killed(by: Int32)
    /// It never began.
    case notStarted(reason: String)
  }

  /// The program.
  let path: String
  /// What follows its name.
  let arguments: [String]
  /// Variables that it gets, or with nil does not get, unlike us.
  let changes: [String: String?]

  /// Prepares a program.
  ///
  /// - Parameters:
  ///   - path: The program.
  ///   - arguments: What follows its name.
  ///   - environment: Variables that it gets, or with nil does not get, unlike us.
  init(_ path: String, _ arguments: [String], environment: [String: String?] = [:]) {
    self.path = path
    self.arguments = arguments
    changes = environment
  }

  /// Runs it on our terminal, whose signals are for it alone.
  ///
  /// A terminal that it had no time to put right is left as it was before.
  func run() -> Ending {
    var terminal = termios()
    let isTerminal = tcgetattr(STDIN_FILENO, &terminal) == 0
    let ending = Child.whileIgnoringTerminal { (defaults) -> Ending in
      switch spawn(output: nil, errors: nil, defaults: defaults) {
      case .success(let pid): wait(for: pid)
      case .failure(let error): .notStarted(reason: error.text)
      }
    }
    if case .killed = ending, isTerminal { tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal) }
    return ending
  }

  /// Runs it without input and collects what it writes.
  ///
  /// - Parameter limit: How long it may take before it is killed; nil for ever.
  /// - Returns: How it ended, and its output.
  func capture(
    within limit: Duration? = nil
  ) -> (ending: Ending, output: String, errors: String) {
    guard let output = Pipe(), let errors = Pipe() else {
      return (.notStarted(reason: StartError().text), "", "")
    }
    let result = spawn(output: output.writing, errors: errors.writing, defaults: [])
    close(output.writing)
    close(errors.writing)
    let (texts, isLate) = Child.drain(
      [output.reading, errors.reading], until: limit.map { .now + $0 })
    if isLate, case .success(let pid) = result { kill(pid, SIGKILL) }
    close(output.reading)
    close(errors.reading)
    switch result {
    case .success(let pid): return (wait(for: pid), texts[0], texts[1])
    case .failure(let error): return (.notStarted(reason: error.text), "", "")
    }
  }

  /// Becomes the program.
  ///
  /// - Returns: Why that was not possible; else it does not return.
  func replaceUs() -> String {
    let error = withPointers { arguments, environment in
      execve(path, arguments, environment)
      return StartError()
    }
    return error.text
  }

  /// Waits for a process of ours to end.
  func wait(for pid: pid_t) -> Ending {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(by: signal)
  }

  /// Reads several pipes to their ends at once: a full one would stop the writer.
  private static func drain(
    _ descriptors: [Int32], until deadline: ContinuousClock.Instant?
  ) -> (texts: [String], isLate: Bool) {
    var collected = descriptors.map { _ in [UInt8]() }
    var open = Set(descriptors.indices)
    var buffer = [UInt8](repeating: 0, count: 65536)
    while !open.isEmpty {
      var entries = open.map { pollfd(fd: descriptors[$0], events: Int16(POLLIN), revents: 0) }
      let left = deadline.map { Int32(clamping: Int(($0 - .now) / .milliseconds(1))) }
      if let left, left <= 0 { break }
      guard poll(&entries, nfds_t(entries.count), left ?? -1) > 0 else { continue }
      for entry in entries where entry.revents != 0 {
        guard let index = descriptors.firstIndex(of: entry.fd) else { continue }
        let count = read(entry.fd, &buffer, buffer.count)
        if count > 0 { collected[index] += buffer.prefix(count) } else { open.remove(index) }
      }
    }
    return (collected.map { String(rawBytes: $0) }, !open.isEmpty)
  }
}
