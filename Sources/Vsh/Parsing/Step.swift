// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What has been parsed and waits for its turn.
package enum Step<Context> {
  /// A command of the table.
  case command(Command<Context>, Arguments)
  /// Commands of another program.
  case foreign(ForeignCommands<Context>.Input)
}
