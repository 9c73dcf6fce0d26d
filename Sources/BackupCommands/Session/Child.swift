// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Another program, run to its end.
struct Child {
  private let path: String
  private let arguments: [String]

  /// Prepares a program.
  init(_ path: String, _ arguments: [String]) {
    self.path = path
    self.arguments = arguments
  }

  /// Runs it on our terminal, where ^C is for it alone.
  ///
  /// - Returns: Its exit status; 128 and the signal where a signal ended it; 127 where it could not
  ///   be started.
  func run() -> Int32 {
    var ignore = sigaction()
    ignore.__sigaction_handler.sa_handler = SIG_IGN
    var before = sigaction()
    sigaction(SIGINT, &ignore, &before)
    defer { sigaction(SIGINT, &before, nil) }
    return spawn(output: nil, errors: nil).map(wait(for:)) ?? 127
  }

  /// Runs it without input and collects what it writes.
  ///
  /// - Parameter limit: How long it may take before it is killed; nil for ever.
  /// - Returns: Its exit status, as ``run()`` has it, and its output.
  func capture(within limit: Duration? = nil) -> (status: Int32, output: String, errors: String) {
    guard let output = Pipe(), let errors = Pipe() else { return (127, "", "") }
    let pid = spawn(output: output.writing, errors: errors.writing)
    close(output.writing)
    close(errors.writing)
    let (texts, isLate) = Child.drain(
      [output.reading, errors.reading], until: limit.map { .now + $0 })
    if isLate, let pid { kill(pid, SIGKILL) }
    close(output.reading)
    close(errors.reading)
    return (pid.map(wait(for:)) ?? 127, texts[0], texts[1])
  }

  private func spawn(output: Int32?, errors: Int32?) -> pid_t? {
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
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGINT)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var pointers = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child: pid_t = 0
    return posix_spawn(&child, path, &actions, &attributes, &pointers, environ) == 0 ? child : nil
  }

  private func wait(for pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
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
    return (collected.map { String(decoding: $0, as: UTF8.self) }, !open.isEmpty)
  }
}
