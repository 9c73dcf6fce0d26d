// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A pipe by which a signal handler tells the rest of the process that a signal came.
///
/// A handler can reach nothing but what the whole process has: each signal that is heard has a global
/// pipe, and a handler that calls ``note()``.
struct SignalPipe {
  /// The end that is readable once a signal came; -1 where the system had no pipe.
  let reading: Int32
  private let writing: Int32

  /// Makes a pipe whose ends never make anyone wait.
  init() {
    let pipe = Pipe()
    (reading, writing) = (pipe?.reading ?? -1, pipe?.writing ?? -1)
    for end in [reading, writing] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  /// Notes a signal, in its handler: one write(2) and nothing else.
  func note() {
    let before = errno
    var one: UInt8 = 1
    _ = write(writing, &one, 1)
    errno = before
  }

  /// Forgets the signals that came so far.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(reading, &bytes, bytes.count) > 0 {}
  }
}
