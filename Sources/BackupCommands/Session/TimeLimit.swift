// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// An end for a process that has nothing to undo, also while it waits for a daemon that is silent.
enum TimeLimit {
  /// Lets the process exit with status 1, without a word, when some time is over.
  static func start(seconds: UInt32) {
    signal(SIGALRM) { _ in _exit(EXIT_FAILURE) }
    alarm(seconds)
  }
}
