// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt

/// A row of programs, each chosen once it is known what became of the one before.
protocol WorkLine: AnyObject {
  /// Says what comes next.
  ///
  /// - Parameter outcome: How the program before ended; nil at the beginning.
  /// - Returns: The next program; nil where the line is at its end.
  func next(after outcome: Crew.Outcome?) -> Crew.Step?
  /// Takes note that the line was never begun, because the user asked to stop.
  func skip()
}

/// Programs that run side by side: so many lines of work at a time, each one program after the other.
///
/// A line whose program fails, takes too long or says nothing keeps no other from its turn.
final class Crew {
  /// A program to run.
  struct Step {
    /// The program.
    var child: Child
    /// Bytes for the program's standard input.
    ///
    /// With nil the input is a pipe without bytes, whose end tells that this process is gone.
    var input: [UInt8]?
    /// Time after which the program is asked to end; nil for no limit.
    var limit: Duration?
  }

  /// The end of a program, with the output that it left.
  struct Outcome {
    /// Exit status, signal or failed start; nil where the program goes on even after SIGKILL.
    var ending: Child.Ending?
    /// Text that the program wrote to its standard output, 16 MiB of it at most.
    var output: String
    /// Text that the program wrote to its standard error, 16 MiB of it at most.
    var errors: String
    /// True when the program was asked to end because its time was over.
    var isLate: Bool
    /// True when the program was asked to end because the user asked to stop.
    var isCancelled: Bool

    /// True when the program ended with exit status 0.
    var isSuccess: Bool { ending == .exited(0) }
  }

  /// The times that a crew keeps.
  struct Times {
    /// Time for which a program may write nothing before the next line begins beside it.
    var patience = Duration.seconds(900)
    /// Time that a program has to end after SIGTERM, before SIGKILL follows.
    ///
    /// The undoing of a backup whose QEMU does not answer takes half a minute.
    var grace = Duration.seconds(60)
    /// Time for which the crew waits for a killed program.
    ///
    /// A program that waits for storage that is gone does not end.
    var mercy = Duration.seconds(5)
  }

  private let jobs: Int
  private let stop: Int32
  private let times: Times
  /// A pipe that programs read from and nobody writes to: it ends when we do.
  private let life: Pipe?
  private var waiting: ArraySlice<any WorkLine> = []
  private var running: [RunningChild] = []
  private var isStopped = false

  /// Makes a crew.
  ///
  /// - Parameters:
  ///   - jobs: How many lines are worked on at a time.
  ///   - stop: A descriptor that is readable once the user asked to stop.
  ///   - times: The times that it keeps.
  init(jobs: Int, stop: Int32, times: Times = Times()) {
    self.jobs = jobs
    self.stop = stop
    self.times = times
    life = Pipe()
  }

  deinit {
    for end in [life?.reading, life?.writing].compactMap(\.self) { close(end) }
  }

  /// True once the user asked to stop, after which no program is started.
  var wasStopped: Bool { isStopped }

  /// Works on lines until all are at their ends; once the user asked to stop, until what runs has ended.
  func run(_ lines: [any WorkLine]) {
    waiting = lines[...]
    ChildSignal.whileHeard { signal in
      while true {
        begin()
        if running.isEmpty { break }
        awaitEvent(signal)
        ChildSignal.drain()
        let now = ContinuousClock.now
        for child in running { child.read(at: now) }
        if !isStopped, !waitUntilReadable([stop], timeoutMilliseconds: 0).isEmpty { cancel(now) }
        for child in running { child.enforce(times, at: now) }
        settle(now)
      }
    }
    for line in waiting { line.skip() }
    waiting = []
  }

  /// Begins as many lines as there is room for.
  private func begin() {
    while !isStopped, running.count(where: { !$0.isSilent }) < jobs, let line = waiting.popFirst() {
      goOn(line, after: nil)
    }
  }

  /// Asks a line for programs until one of them runs.
  private func goOn(_ line: any WorkLine, after outcome: Outcome?) {
    var outcome = outcome
    while let step = line.next(after: outcome) {
      // A line that was cancelled has nothing more to do.
      if isStopped { return }
      switch RunningChild.start(step, of: line, life: life?.reading) {
      case .success(let child):
        running.append(child)
        return
      case .failure(let error):
        outcome = Outcome(
          ending: .notStarted(reason: error.text), output: "", errors: "", isLate: false,
          isCancelled: false)
      }
    }
  }

  /// Waits until something happens: output, an end, the user, or a time that is over.
  private func awaitEvent(_ signal: Int32) {
    let now = ContinuousClock.now
    let next = running.compactMap { $0.nextEvent(times) }.min()
    let left = next.map { max(0, Int(($0 - now) / .milliseconds(1)) + 1) }
    var entries = ([signal] + (isStopped ? [] : [stop])).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    entries += running.flatMap(\.polled)
    // A signal may end this early: everybody looks again then.
    _ = poll(&entries, nfds_t(entries.count), left.map { Int32(clamping: $0) } ?? -1)
  }

  private func cancel(_ now: ContinuousClock.Instant) {
    isStopped = true
    for child in running { child.end(at: now, isCancelled: true) }
  }

  /// Lets the lines whose programs have ended go on.
  private func settle(_ now: ContinuousClock.Instant) {
    var ended: [(line: any WorkLine, outcome: Outcome)] = []
    running.removeAll { child in
      guard let outcome = child.outcome(times, at: now) else { return false }
      ended.append((child.line, outcome))
      return true
    }
    for (line, outcome) in ended { goOn(line, after: outcome) }
  }
}
