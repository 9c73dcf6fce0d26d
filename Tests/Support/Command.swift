// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Synchronization

/// Held while a pipe is made and while a process starts: glibc's `pipe2` is not visible to Swift, and
/// a pipe without its close-on-exec flag must not reach a process that starts in that moment.
private let startLock = Mutex(())
/// glibc's `POSIX_SPAWN_SETSID`, which only `_GNU_SOURCE` shows.
private let spawnInNewSession: Int32 = 0x80

/// Runs programs and waits for them.
package enum Command {
  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - program: A path, or a name looked up in `PATH`.
  ///   - arguments: What follows the program's name.
  ///   - environment: Variables set on top of those of this process.
  ///   - input: What the program reads from standard input.
  ///   - directory: Its working directory; this process's when nil.
  ///   - timeout: After this time the program is killed.
  /// - Returns: How it ended, also when it failed.
  /// - Throws: `CommandError` when it could not be started or did not end in time.
  package static func run(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
    input: [UInt8] = [], directory: String? = nil, timeout: Duration = .seconds(120)
  ) throws(CommandError) -> CommandResult {
    let running = try start(
      program, arguments, environment: environment, input: input, directory: directory)
    return try running.wait(timeout: timeout)
  }

  /// Starts a program without waiting for it.
  ///
  /// - Parameters:
  ///   - program: A path, or a name looked up in `PATH`.
  ///   - arguments: What follows the program's name.
  ///   - environment: Variables set on top of those of this process.
  ///   - input: What the program reads from standard input.
  ///   - directory: Its working directory; this process's when nil.
  /// - Returns: The running program; call its `wait`, else it becomes a zombie.
  /// - Throws: `CommandError` when it could not be started.
  package static func start(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
    input: [UInt8] = [], directory: String? = nil
  ) throws(CommandError) -> RunningCommand {
    let stdin = try Channel(), stdout = try Channel(), stderr = try Channel()
    let pid = try spawn(
      directory.map { ["env", "-C", $0, program] + arguments } ?? [program] + arguments,
      environment: environment,
      descriptors: [stdin.reading, stdout.writing, stderr.writing])
    for end in [stdin.reading, stdout.writing, stderr.writing] { close(end) }
    return RunningCommand(
      command: [program] + arguments, pid: pid, input: input, stdin: stdin.writing,
      stdout: stdout.reading, stderr: stderr.reading)
  }

  /// Starts a process of its own session, so that a ^C on the terminal does not reach it.
  ///
  /// - Parameters:
  ///   - command: The program, a path or a name looked up in `PATH`, and its arguments.
  ///   - environment: Variables set on top of those of this process.
  ///   - descriptors: What becomes its descriptors 0, 1, ...; no other is handed on.
  ///   - terminal: The path of a terminal that becomes its descriptors 0, 1 and 2 instead, and the
  ///     one that controls it.
  /// - Returns: The process's id.
  /// - Throws: `CommandError` when it could not be started.
  static func spawn(
    _ command: [String], environment: [String: String], descriptors: [Int32] = [],
    terminal: String? = nil
  ) throws(CommandError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    if let terminal {
      // The first terminal that the leader of a session opens controls it.
      posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
      posix_spawn_file_actions_adddup2(&actions, 0, 1)
      posix_spawn_file_actions_adddup2(&actions, 0, 2)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t(), all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(spawnInNewSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let argv = command.map { strdup($0) }
    let envp = merged(environment).map { strdup($0) }
    defer { for string in argv + envp { free(string) } }
    var pid: pid_t = 0
    let failure = startLock.withLock { _ in
      posix_spawnp(&pid, command[0], &actions, &attributes, argv + [nil], envp + [nil])
    }
    guard failure == 0 else {
      throw CommandError("\(command[0]): \(String(cString: strerror(failure)))")
    }
    return pid
  }

  /// Our environment with changes; programs shall speak English.
  private static func merged(_ changes: [String: String]) -> [String] {
    var result: [String: String] = [:]
    var entry = environ
    while let string = entry.pointee {
      let parts = String(cString: string).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
      entry += 1
    }
    result["LC_ALL"] = "C.UTF-8"
    result.merge(changes) { $1 }
    return result.map { "\($0.key)=\($0.value)" }
  }
}

/// A pipe of which programs started by others inherit nothing.
struct Channel {
  /// The end that is read.
  let reading: Int32
  /// The end that is written.
  let writing: Int32

  /// Makes a pipe.
  ///
  /// - Throws: `CommandError` when there are no descriptors left.
  init() throws(CommandError) {
    var ends: [Int32] = [-1, -1]
    let made = startLock.withLock { _ in
      guard pipe(&ends) == 0 else { return false }
      return ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }
    }
    guard made else {
      throw CommandError("pipe: \(String(cString: strerror(errno)))")
    }
    reading = ends[0]
    writing = ends[1]
  }
}
