// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt

/// The thread that stops this program by SIGTERM once the program that it works for is gone.
///
/// Nobody would read what it prints, and the next run must not find the domain busy.
enum ParentWatch {
  /// The variable of the environment that says that the standard input ends with the parent.
  static let variable = "VIRSH_BACKUP_ENDS_WITH_PARENT"

  /// Starts the watch where the environment asks for it.
  static func startIfAsked() {
    guard getenv(variable) != nil else { return }
    // The guard process of an instant has another use for its input.
    unsetenv(variable)
    // Nor must what it says to nobody end it, before it has undone what it began.
    signal(SIGPIPE, SIG_IGN)
    let thread = QuietThread.start {
      var byte: UInt8 = 0
      while true {
        let count = read(STDIN_FILENO, &byte, 1)
        if count == 0 { break }
        if count < 0, errno != EINTR { return }
      }
      kill(getpid(), SIGTERM)
    }
    if let thread { pthread_detach(thread) }
  }
}
