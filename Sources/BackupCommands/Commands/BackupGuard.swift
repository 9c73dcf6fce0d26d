// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-guard`, hidden: resumes a domain when the program that suspended it dies.
  ///
  /// See ``GuardProcess`` for the other side.
  static var backupGuard: Command {
    Command(
      "backup-guard", summary: "Resume a domain when standard input ends",
      options: [.domain(), .bool("thaw", "also thaw its file systems")], isHidden: true
    ) { shell, arguments in
      let domain = try shell.context.domain(try arguments.required("domain"))
      var byte = GuardProcess.ready
      guard write(STDOUT_FILENO, &byte, 1) == 1 else { return false }
      guard read(STDIN_FILENO, &byte, 1) != 1 || byte != GuardProcess.released else { return true }
      if try domain.state.state == .paused { try domain.resume() }
      if arguments.flag("thaw") { try domain.fsThaw() }
      return true
    }
  }
}
