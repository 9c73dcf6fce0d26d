// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt
import Synchronization

/// Ends a command that was told to stop and cannot, because a QEMU or libvirtd does not answer it.
///
/// libvirt waits for a monitor without a limit, also where the process behind it is stopped or spins.
/// A helper domain of the command is ended then, with which the call fails and the command undoes what
/// it began; a command that ends operations kills theirs without being told to. Where that does not
/// help, or a domain of the user's is what is silent, the process ends: it leaves what a kill leaves.
final class SilenceWatch: Sendable {
  /// Seconds without an answer, after the request to stop, until the helper domains are ended.
  static let helperLimit = 10
  /// Seconds without an answer until those are ended that are to be ended anyway, unasked: a flush may
  /// take its time.
  static let unaskedLimit = 30
  /// Seconds without an answer until a process ends that was not asked to.
  static let unaskedProcessLimit = 60
  /// Seconds without an answer until the process ends.
  ///
  /// libvirt gives a QEMU up to 15 s to end.
  static let processLimit = 30

  private let interrupt: Int32
  private let deadline: ContinuousClock.Instant?
  private let helpers: StartedHelpers
  private let endsSilentHelpers: Bool
  /// The thread that does the command's work.
  private let worker = pthread_self()
  private let ending: Pipe
  private let thread: Mutex<pthread_t?>

  /// Starts the watch; nil where there is no thread to be had.
  ///
  /// - Parameters:
  ///   - interrupt: A descriptor that is readable once the user asked to stop.
  ///   - deadline: When the command gives up; nil for never.
  ///   - helpers: The helper domains of the command.
  ///   - endsSilentHelpers: Whether those that do not answer are ended without a request to stop.
  init?(
    interrupt: Int32, deadline: ContinuousClock.Instant?, helpers: StartedHelpers,
    endsSilentHelpers: Bool
  ) {
    guard let ending = Pipe() else { return nil }
    self.interrupt = interrupt
    self.deadline = deadline
    self.helpers = helpers
    self.endsSilentHelpers = endsSilentHelpers
    self.ending = ending
    thread = Mutex(nil)
    let started = QuietThread.start { [self] in watch() }
    guard let started else {
      close(ending.writing)
      close(ending.reading)
      return nil
    }
    thread.withLock { $0 = started }
  }

  /// Ends the watch.
  func end() {
    close(ending.writing)
    if let thread = thread.withLock({ $0 }) { pthread_join(thread, nil) }
    close(ending.reading)
  }

  /// Looks whether calls return: from the request to stop on, or all the time.
  private func watch() {
    let left = deadline.map { max(0, Int(($0 - .now) / .milliseconds(1))) }
    if !endsSilentHelpers {
      let ready = waitUntilReadable([ending.reading, interrupt], timeoutMilliseconds: left)
      guard !ready.contains(ending.reading) else { return }
    }
    var asked: ContinuousClock.Instant?
    var areHelpersEnded = false
    while waitUntilReadable([ending.reading], timeoutMilliseconds: 200).isEmpty {
      if asked == nil, isAskedToStop { asked = .now }
      guard asked != nil || endsSilentHelpers,
        let waited = CallClock.waitedMilliseconds(of: worker).map({ Duration.milliseconds($0) })
      else { continue }
      let silent = min(waited, asked.map { .now - $0 } ?? waited)
      let limit = asked == nil ? SilenceWatch.unaskedLimit : SilenceWatch.helperLimit
      if !areHelpersEnded, silent >= .seconds(limit) {
        areHelpersEnded = true
        helpers.destroy()
      }
      let last = asked == nil ? SilenceWatch.unaskedProcessLimit : SilenceWatch.processLimit
      if silent >= .seconds(last) { SilenceWatch.exit() }
    }
  }

  private var isAskedToStop: Bool {
    !waitUntilReadable([interrupt], timeoutMilliseconds: 0).isEmpty
      || deadline.map { ContinuousClock.now >= $0 } ?? false
  }

  private static func exit() -> Never {
    let text = """
      error: libvirt or the domain's QEMU does not answer, so that nothing could be cancelled
      error: when it does again, backup-jobabort cancels what was begun; other commands go on with it

      """
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    _exit(EXIT_FAILURE)
  }
}

/// The helper domains that a command has started.
final class StartedHelpers: Sendable {
  private let started = Mutex<[(name: String, connection: Connection)]>([])

  /// Notes a helper domain, before it is started: its start may be what hangs.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - connection: The connection to the host that starts it.
  func note(_ name: String, on connection: Connection) {
    started.withLock { $0.append((name, connection)) }
  }

  /// Forgets those of an earlier command.
  func forget() { started.withLock { $0 = [] } }

  /// Kills them (`virDomainDestroy`) and does not wait for that: the connection may be what is silent.
  ///
  /// Those that have ended are no error.
  func destroy() {
    let started = started.withLock { $0 }
    let thread = QuietThread.start {
      for (name, connection) in started { try? connection.domain(name: name).destroy() }
    }
    if let thread { pthread_detach(thread) }
  }
}
