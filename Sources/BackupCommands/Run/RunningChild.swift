// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt
import Vsh

/// A program of a crew that runs.
final class RunningChild {
  /// More output than that of one program is not kept.
  private static let largestOutput = 16 << 20

  /// The line that it belongs to.
  let line: any WorkLine
  private let pid: pid_t
  private let deadline: ContinuousClock.Instant?
  private var input: ArraySlice<UInt8>
  private var inputEnd: Int32
  private var ends: [Int32]
  private var texts: [[UInt8]] = [[], []]
  private var lastSign: ContinuousClock.Instant
  private var asked: ContinuousClock.Instant?
  private var killed: ContinuousClock.Instant?
  private var isLate = false
  private var isCancelled = false
  /// True while the program has written nothing for so long that the next line begins beside it.
  private(set) var isSilent = false

  private init(
    _ pid: pid_t, _ step: Crew.Step, line: any WorkLine, input: Int32, ends: [Int32],
    at now: ContinuousClock.Instant
  ) {
    self.pid = pid
    self.line = line
    self.input = step.input.map { $0[...] } ?? []
    self.ends = ends
    inputEnd = input
    deadline = step.limit.map { now + $0 }
    lastSign = now
    for end in ends + (input >= 0 ? [input] : []) { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    for end in ends + [inputEnd] where end >= 0 { close(end) }
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - step: What to run.
  ///   - line: The line that it belongs to.
  ///   - life: What it reads where it has no input: a pipe that ends when we do.
  /// - Returns: The program, or why it could not be started.
  static func start(
    _ step: Crew.Step, of line: any WorkLine, life: Int32?
  ) -> Result<RunningChild, Child.StartError> {
    let input = step.input == nil ? nil : Pipe()
    guard let output = Pipe(), let errors = Pipe(), let source = input?.reading ?? life else {
      return .failure(Child.StartError())
    }
    let result = step.child.spawn(
      output: output.writing, errors: errors.writing, defaults: [], input: source)
    for end in [output.writing, errors.writing, input?.reading].compactMap(\.self) { close(end) }
    return result.map { pid in
      RunningChild(
        pid, step, line: line, input: input?.writing ?? -1,
        ends: [output.reading, errors.reading], at: .now)
    }.mapError { error in
      for end in [output.reading, errors.reading, input?.writing].compactMap(\.self) { close(end) }
      return error
    }
  }

  /// Entries for poll(2): the program's outputs, and its input while bytes for it are left.
  var polled: [pollfd] {
    var entries = ends.filter { $0 >= 0 }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    if inputEnd >= 0 { entries.append(pollfd(fd: inputEnd, events: Int16(POLLOUT), revents: 0)) }
    return entries
  }

  /// Returns the moment at which the next time limit of the program is over; nil where it has none.
  func nextEvent(_ times: Crew.Times) -> ContinuousClock.Instant? {
    if let killed { return killed + times.mercy }
    if let asked { return asked + times.grace }
    return [deadline, isSilent ? nil : lastSign + times.patience].compactMap(\.self).min()
  }

  /// Takes what it has written, and gives it what it reads.
  func read(at now: ContinuousClock.Instant) {
    for index in ends.indices where ends[index] >= 0 { read(index, at: now) }
    feed()
  }

  private func read(_ index: Int, at now: ContinuousClock.Instant) {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(ends[index], &buffer, buffer.count)
      if count < 0 { return }
      if count == 0 {
        close(ends[index])
        ends[index] = -1
        return
      }
      let room = RunningChild.largestOutput - texts[index].count
      texts[index] += buffer.prefix(min(count, room))
      lastSign = now
      isSilent = false
    }
  }

  private func feed() {
    guard inputEnd >= 0 else { return }
    while !input.isEmpty {
      let count = input.withUnsafeBytes { bytes in
        withoutPipeSignal { write(inputEnd, bytes.baseAddress, bytes.count) }
      }
      if count < 0, errno == EAGAIN || errno == EINTR { return }
      // The program may close its input before it has read all, which is no error.
      if count < 0 { break }
      input = input.dropFirst(count)
    }
    close(inputEnd)
    inputEnd = -1
  }

  /// Ends it where it takes too long, and kills it where that does not help.
  func enforce(_ times: Crew.Times, at now: ContinuousClock.Instant) {
    if let deadline, now >= deadline, asked == nil {
      isLate = true
      end(at: now, isCancelled: false)
    }
    if let asked, killed == nil, now >= asked + times.grace {
      kill(pid, SIGKILL)
      killed = now
    }
    if now >= lastSign + times.patience { isSilent = true }
  }

  /// Asks it to end.
  func end(at now: ContinuousClock.Instant, isCancelled: Bool) {
    guard asked == nil else { return }
    self.isCancelled = isCancelled
    asked = now
    kill(pid, SIGTERM)
  }

  /// Tells how the program ended; nil while it runs.
  ///
  /// One that does not end of a kill is given up.
  func outcome(_ times: Crew.Times, at now: ContinuousClock.Instant) -> Crew.Outcome? {
    var status: Int32 = 0
    let found = waitpid(pid, &status, WNOHANG)
    let isGone = found == pid || found < 0 && errno == ECHILD
    guard isGone || killed.map({ now >= $0 + times.mercy }) ?? false else { return nil }
    // The pipes may still have the last output of the program.
    read(at: now)
    let signal = status & 0x7f
    let ending = signal == 0 ? Child.Ending.exited((status >> 8) & 0xff) : .killed(by: signal)
    return Crew.Outcome(
      ending: isGone ? ending : nil, output: String(rawBytes: texts[0]),
      errors: String(rawBytes: texts[1]), isLate: isLate, isCancelled: isCancelled)
  }
}
