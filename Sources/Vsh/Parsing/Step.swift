// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A command that has been parsed and waits for its turn.
package enum Step<Context> {
  /// A command of the table.
  case command(Command<Context>, Arguments)
  /// A command of another program, as ``ForeignCommands`` took it.
  case foreign(ForeignCommands<Context>.Run)
}
