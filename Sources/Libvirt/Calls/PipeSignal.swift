// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Runs what may write to a connection whose other end is gone.
///
/// libvirt reports that as an error, but the kernel also sends SIGPIPE, of which the process would
/// die without a word. For its own output the process has to die of it, so it is not ignored.
///
/// - Parameter body: What is run, on this thread.
/// - Returns: What the body returned.
package func withoutPipeSignal<Value>(_ body: () -> Value) -> Value {
  var signals = sigset_t()
  var before = sigset_t()
  unsafe sigemptyset(&signals)
  unsafe sigaddset(&signals, SIGPIPE)
  unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
  defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
  let result = body()
  // Where it was blocked already, whoever did that takes care of it.
  if unsafe sigismember(&before, SIGPIPE) == 0 {
    var now = timespec()
    unsafe sigtimedwait(&signals, nil, &now)
  }
  return result
}
