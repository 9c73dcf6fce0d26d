// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Glibc
import Libvirt
import Vsh

extension Vsh.Command where Context == Client {
  /// Seconds for which a guest is held at most.
  private static let longestHold = 5

  /// `backup-guard`, hidden: holds a guest still for the program that started it.
  ///
  /// See ``GuardProcess`` for the other side.
  static var backupGuard: Command {
    Command(
      "backup-guard", summary: "Hold a guest still for an instant",
      options: [
        .domain(), .bool("suspend", "stop its processors"),
        .string("freeze", "freeze its file systems, and mark this node", positional: false),
      ], isHidden: true
    ) { shell, arguments in
      // What ends the program that started us is not for us: its pipe tells.
      for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE] { signal(number, SIG_IGN) }
      ControlGroup.leave()
      ControlGroup.protectFromMemoryShortage()
      let client = shell.context
      let name = try arguments.required("domain")
      let guest = GuestHold(try client.domain(name)) {
        try client.connect(to: nil, readOnly: false)
        return try client.domain(name)
      }
      GuardProtocol.say("", on: STDOUT_FILENO)
      silence()
      guard GuardProtocol.byte(on: STDIN_FILENO, until: nil) == GuardProtocol.hold else {
        return true
      }
      do {
        try guest.hold(
          isSuspended: arguments.flag("suspend"), frozenMark: try arguments.string("freeze"))
      } catch {
        GuardProtocol.say("\(error)", on: STDOUT_FILENO)
        return guest.letGo()
      }
      let end = ContinuousClock.now + .seconds(longestHold)
      GuardProtocol.say("", on: STDOUT_FILENO)
      let order = GuardProtocol.byte(on: STDIN_FILENO, until: end)
      let stood = guest.letGo()
      if order == nil, GuardProtocol.byte(on: STDIN_FILENO, until: nil) == nil { return true }
      let isGood = order != nil && stood
      GuardProtocol.say(isGood ? "" : "\(BackupError.movedOn)", on: STDOUT_FILENO)
      return isGood
    }
  }

  /// Lets go of the standard error of the program that started us: who reads it to its end shall not
  /// wait for us.
  private static func silence() {
    let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard nowhere >= 0 else { return }
    dup2(nowhere, STDERR_FILENO)
    close(nowhere)
  }
}
