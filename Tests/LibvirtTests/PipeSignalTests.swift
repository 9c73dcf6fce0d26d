// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Testing

@testable import Libvirt

@Suite struct PipeSignalTests {
  @Test func `a write to nobody is an error, and only that`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      var ends: [Int32] = [-1, -1]
      pipe(&ends)
      close(ends[0])
      let (count, code) = withoutPipeSignal { (write(ends[1], "x", 1), errno) }
      guard count == -1, code == EPIPE else { exit(1) }
      // It is neither blocked nor waiting now.
      var signals = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &signals)
      guard sigismember(&signals, SIGPIPE) == 0 else { exit(2) }
      sigpending(&signals)
      guard sigismember(&signals, SIGPIPE) == 0 else { exit(3) }
    }
  }

  @Test func `other writes to nobody end the process`() async {
    await #expect(processExitsWith: .signal(SIGPIPE)) {
      signal(SIGPIPE, SIG_DFL)
      var ends: [Int32] = [-1, -1]
      pipe(&ends)
      close(ends[0])
      withoutPipeSignal {}
      write(ends[1], "x", 1)
    }
  }
}
