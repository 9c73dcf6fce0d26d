// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import Glibc
import Synchronization

/// A program that was started and has not been waited for.
package final class RunningCommand: Sendable {
  /// What is read and written while the program runs.
  private struct State {
    var input: ArraySlice<UInt8>
    var stdin: Int32
    var stdout: Int32
    var stderr: Int32
    var output: [UInt8] = []
    var errorOutput: [UInt8] = []
    var result: CommandResult?
  }

  /// The program and its arguments.
  package let command: [String]
  /// Its process id.
  package let pid: pid_t
  private let started = ContinuousClock.now
  private let state: Mutex<State>

  init(
    command: [String], pid: pid_t, input: [UInt8], stdin: Int32, stdout: Int32, stderr: Int32
  ) {
    self.command = command
    self.pid = pid
    for descriptor in [stdin, stdout, stderr] {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }
    state = Mutex(State(input: input[...], stdin: stdin, stdout: stdout, stderr: stderr))
  }

  deinit {
    let open = state.withLock { [$0.stdin, $0.stdout, $0.stderr] }
    for descriptor in open where descriptor >= 0 { close(descriptor) }
  }

  /// Sends a signal, unless the program was already waited for.
  package func signal(_ number: Int32) {
    state.withLock { if $0.result == nil { _ = kill(pid, number) } }
  }

  /// What the program has written to standard output so far.
  package var outputSoFar: String {
    state.withLock {
      Self.transfer(&$0, waiting: 0)
      return String(decoding: $0.output, as: UTF8.self)
    }
  }

  /// What the program has written to standard error so far.
  package var errorsSoFar: String {
    state.withLock {
      Self.transfer(&$0, waiting: 0)
      return String(decoding: $0.errorOutput, as: UTF8.self)
    }
  }

  /// Whether the program has ended.
  package var hasEnded: Bool { state.withLock { step(&$0) } != nil }

  /// Waits for the end.
  ///
  /// A grandchild that keeps the output open is not waited for.
  ///
  /// - Parameter timeout: After this time the program is killed.
  /// - Returns: How it ended.
  /// - Throws: `CommandError` when it did not end in time.
  @discardableResult
  package func wait(timeout: Duration = .seconds(120)) throws(CommandError) -> CommandResult {
    let deadline = ContinuousClock.now + timeout
    while true {
      if let result = state.withLock({ step(&$0) }) { return result }
      guard ContinuousClock.now < deadline else { break }
    }
    kill(pid, SIGKILL)
    var result: CommandResult?
    while result == nil { result = state.withLock { step(&$0) } }
    throw CommandError("no end after \(timeout): \(result.map(\.description) ?? "")")
  }

  /// Moves what there is to move for some milliseconds, and asks whether the program has ended.
  private func step(_ state: inout State) -> CommandResult? {
    if let result = state.result { return result }
    Self.transfer(&state, waiting: 20)
    var status: Int32 = 0
    var usage = rusage()
    guard wait4(pid, &status, WNOHANG, &usage) == pid else {
      if state.stdout < 0, state.stderr < 0 { usleep(2000) }
      return nil
    }
    Self.transfer(&state, waiting: 0)
    let signal = status & 0x7f
    let result = CommandResult(
      command: command, ending: signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal),
      output: state.output, errorOutput: state.errorOutput, peakMemory: usage.ru_maxrss,
      duration: ContinuousClock.now - started)
    state.result = result
    return result
  }

  /// Writes input and reads output, as far as that is possible without waiting for longer.
  private static func transfer(_ state: inout State, waiting milliseconds: Int32) {
    if state.input.isEmpty, state.stdin >= 0 {
      close(state.stdin)
      state.stdin = -1
    }
    var polled = [
      pollfd(fd: state.stdin, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: state.stdout, events: Int16(POLLIN), revents: 0),
      pollfd(fd: state.stderr, events: Int16(POLLIN), revents: 0),
    ]
    guard polled.contains(where: { $0.fd >= 0 }) else { return }
    guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return }
    if polled[0].revents != 0 { feed(&state) }
    if polled[1].revents != 0 { drain(&state.stdout, into: &state.output) }
    if polled[2].revents != 0 { drain(&state.stderr, into: &state.errorOutput) }
  }

  private static func feed(_ state: inout State) {
    let written = state.input.withUnsafeBytes { bytes in
      withoutPipeSignal { write(state.stdin, bytes.baseAddress, min(bytes.count, 4096)) }
    }
    if written > 0 { state.input.removeFirst(written) }
    if written < 0, errno != EAGAIN { state.input = [] }
  }

  private static func drain(_ descriptor: inout Int32, into bytes: inout [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while descriptor >= 0 {
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
      } else if count == 0 || errno != EAGAIN {
        close(descriptor)
        descriptor = -1
      } else {
        return
      }
    }
  }
}

/// Runs a write to a pipe whose reader may be gone: an error is enough, the signal would kill us.
func withoutPipeSignal<T>(_ body: () -> T) -> T {
  var pipeSignal = sigset_t(), old = sigset_t()
  sigemptyset(&pipeSignal)
  sigaddset(&pipeSignal, SIGPIPE)
  pthread_sigmask(SIG_BLOCK, &pipeSignal, &old)
  let result = body()
  let saved = errno
  if sigismember(&old, SIGPIPE) == 0 {
    var now = timespec()
    sigtimedwait(&pipeSignal, nil, &now)
  }
  pthread_sigmask(SIG_SETMASK, &old, nil)
  errno = saved
  return result
}
