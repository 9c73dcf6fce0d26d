// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Vsh

extension Child {
  /// Why a program cannot be started.
  struct StartError: Error {
    /// The system's reason.
    var text: String

    /// Takes the reason from a code.
    init(_ code: Int32 = errno) { text = String(cString: strerror(code)) }
  }

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - output: Where its standard output goes, if not where ours does; then it does not read our
  ///     input.
  ///   - errors: Where its standard error goes.
  ///   - defaults: Signals that it does not ignore as we do.
  ///   - input: What it reads; nil for nothing.
  /// - Returns: Its process.
  func spawn(
    output: Int32?, errors: Int32?, defaults: [Int32], input: Int32? = nil
  ) -> Result<pid_t, StartError> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output, let errors {
      if let input {
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
      } else {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
      }
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
  func withPointers<Value>(
    _ body: (
      UnsafePointer<UnsafeMutablePointer<CChar>?>, UnsafePointer<UnsafeMutablePointer<CChar>?>
    ) -> Value
  ) -> Value {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var entry = environ
    while let variable = entry.pointee {
      let name = String(cString: variable).utf8.prefix { $0 != UInt8(ascii: "=") }
      if changes[String(Substring(name))] == nil { variables.append(strdup(variable)) }
      entry += 1
    }
    for case (let name, let value?) in changes {
      variables.append("\(name)=\(value)".withRawCString { strdup($0) })
    }
    let words = ([path] + arguments).map { word in word.withRawCString { strdup($0) } }
    defer { for pointer in words + variables { free(pointer) } }
    return body(words + [nil], variables + [nil])
  }

  /// Ignores ^C and ^\ during the body, which gets those of the two that were not ignored before.
  static func whileIgnoringTerminal<Value>(_ body: ([Int32]) -> Value) -> Value {
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
}
