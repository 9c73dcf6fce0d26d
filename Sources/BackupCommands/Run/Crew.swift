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
    /// What it reads from its standard input; nil: it reads nothing, and learns there when we end.
    var input: [UInt8]?
    /// How long it may take; nil for ever.
    var limit: Duration?
  }

  /// How a program ended.
  struct Outcome {
    /// How it ended; nil where it goes on, whatever it is told.
    var ending: Child.Ending?
    /// What it wrote to its standard output.
    var output: String
    /// What it wrote to its standard error.
    var errors: String
    /// Whether it was ended because it took too long.
    var isLate: Bool
    /// Whether it was ended because the user asked to stop.
    var isCancelled: Bool

    /// Whether it ended by itself and found nothing wrong.
    var isSuccess: Bool { ending == .exited(0) }
  }

  /// The times that a crew keeps.
  struct Times {
    /// How long a program may say nothing before the next line begins beside it.
    var patience = Duration.seconds(900)
    /// How long a program may take to end once it was asked to (SIGTERM): the undoing of a backup whose
    /// QEMU does not answer takes half a minute.
    var grace = Duration.seconds(60)
    /// How long a killed program is waited for: one that waits for storage that is gone does not end.
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

  /// Whether the user asked to stop.
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
