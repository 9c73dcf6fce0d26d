// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Libvirt
import Testing

@Suite struct WaitingTests {
  /// Lends two pipes, each as the descriptors to read from and to write to.
  private func withPipes(_ body: (_ first: [Int32], _ second: [Int32]) throws -> Void) throws {
    var first: [Int32] = [0, 0]
    var second: [Int32] = [0, 0]
    try #require(pipe(&first) == 0 && pipe(&second) == 0)
    defer { (first + second).forEach { close($0) } }
    try body(first, second)
  }

  @Test func `Those that are ready are told, in the order given`() throws {
    try withPipes { first, second in
      let both = [second[0], first[0]]
      #expect(waitUntilReadable(both, timeoutMilliseconds: 0).isEmpty)
      #expect(write(first[1], "x", 1) == 1)
      #expect(waitUntilReadable(both) == [first[0]])
      #expect(write(second[1], "x", 1) == 1)
      #expect(waitUntilReadable(both) == both)
    }
  }

  @Test func `The end of the other side counts as ready`() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[1])
    defer { close(ends[0]) }
    #expect(waitUntilReadable([ends[0]], timeoutMilliseconds: 10_000) == [ends[0]])
  }

  @Test func `Without descriptors only the time passes`() {
    let start = ContinuousClock.now
    #expect(waitUntilReadable([], timeoutMilliseconds: 30).isEmpty)
    #expect(ContinuousClock.now - start >= .milliseconds(29))
  }

  @Test func `A signal does not end the wait`() async {
    await #expect(processExitsWith: .exitCode(7)) {
      // Whatever its flags are, poll ends with EINTR after a handler has run.
      signal(SIGUSR1) { _ in }
      // The threads that tests run on block signals.
      var signals = sigset_t()
      sigaddset(&signals, SIGUSR1)
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      let waiting = pthread_self()
      Thread.detachNewThread {
        for _ in 0..<20 {
          usleep(20_000)
          pthread_kill(waiting, SIGUSR1)
        }
      }
      let start = ContinuousClock.now
      let ready = waitUntilReadable([], timeoutMilliseconds: 200)
      exit(ready.isEmpty && ContinuousClock.now - start >= .milliseconds(199) ? 7 : 1)
    }
  }
}
