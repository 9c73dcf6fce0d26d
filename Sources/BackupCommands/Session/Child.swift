// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

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

  private let path: String
  private let arguments: [String]
  private let changes: [String: String?]

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
  func capture() -> (ending: Ending, output: String, errors: String) {
    guard let output = Pipe(), let errors = Pipe() else {
      return (.notStarted(reason: StartError().text), "", "")
    }
    let result = spawn(output: output.writing, errors: errors.writing, defaults: [])
    close(output.writing)
    close(errors.writing)
    let texts = Child.drain([output.reading, errors.reading])
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

  /// Why a program cannot be started.
  private struct StartError: Error {
    var text: String

    init(_ code: Int32 = errno) { text = String(cString: strerror(code)) }
  }

  private func spawn(
    output: Int32?, errors: Int32?, defaults: [Int32]
  ) -> Result<pid_t, StartError> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output, let errors {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
      posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in defaults { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var child: pid_t = 0
    let code = withPointers { arguments, environment in
      posix_spawn(&child, path, &actions, &attributes, arguments, environment)
    }
    return code == 0 ? .success(child) : .failure(StartError(code))
  }

  /// Hands a function what C wants to know of the arguments and of the environment.
  private func withPointers<Value>(
    _ body: (
      UnsafePointer<UnsafeMutablePointer<CChar>?>, UnsafePointer<UnsafeMutablePointer<CChar>?>
    ) -> Value
  ) -> Value {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var entry = environ
    while let variable = entry.pointee {
      let name = String(cString: variable).prefix { $0 != "=" }
      if changes[String(name)] == nil { variables.append(strdup(variable)) }
      entry += 1
    }
    for case (let name, let value?) in changes { variables.append(strdup("\(name)=\(value)")) }
    let words = ([path] + arguments).map { strdup($0) }
    defer { for pointer in words + variables { free(pointer) } }
    return body(words + [nil], variables + [nil])
  }

  private func wait(for pid: pid_t) -> Ending {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(by: signal)
  }

  /// Ignores ^C and ^\ during the body, which gets those of the two that were not ignored before.
  private static func whileIgnoringTerminal<Value>(_ body: ([Int32]) -> Value) -> Value {
    var before: [Int32: sigaction] = [:]
    for signal in [SIGINT, SIGQUIT] {
      var ignore = sigaction()
      ignore.__sigaction_handler.sa_handler = SIG_IGN
      var old = sigaction()
      sigaction(signal, &ignore, &old)
      before[signal] = old
    }
    defer {
      for (signal, var old) in before { sigaction(signal, &old, nil) }
    }
    let heeded = before.filter { entry in
      unsafeBitCast(entry.value.__sigaction_handler.sa_handler, to: Int.self)
        != unsafeBitCast(SIG_IGN, to: Int.self)
    }
    return body(Array(heeded.keys))
  }

  /// Reads several pipes to their ends at once: a full one would stop the writer.
  private static func drain(_ descriptors: [Int32]) -> [String] {
    var collected = descriptors.map { _ in [UInt8]() }
    var open = Set(descriptors.indices)
    var buffer = [UInt8](repeating: 0, count: 65536)
    while !open.isEmpty {
      var entries = open.map { pollfd(fd: descriptors[$0], events: Int16(POLLIN), revents: 0) }
      guard poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
      for entry in entries where entry.revents != 0 {
        guard let index = descriptors.firstIndex(of: entry.fd) else { continue }
        let count = read(entry.fd, &buffer, buffer.count)
        if count > 0 { collected[index] += buffer.prefix(count) } else { open.remove(index) }
      }
    }
    return collected.map { String(decoding: $0, as: UTF8.self) }
  }
}
