// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The commands that every shell of this kind has.
package enum Builtins {
  /// The commands, for the program to put into a group, with its own `connect` after them.
  package static func commands<Context>() -> [Command<Context>] {
    [
      changeDirectory(), echo(), exit(), help(), printDirectory(), quit(), complete(), selfTest(),
    ]
  }

  private static func quit<Context>() -> Command<Context> {
    leave("quit")
  }

  private static func exit<Context>() -> Command<Context> {
    leave("exit")
  }

  private static func leave<Context>(_ name: String) -> Command<Context> {
    Command(name, summary: "leave the shell", needsConnection: false) { shell, _ in
      shell.quit()
      return true
    }
  }
}
