// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Commands that `help` shows together.
package struct CommandGroup<Context>: Sendable {
  /// The heading.
  package var name: String
  /// The word that `help` takes for the group.
  package var keyword: String
  /// The commands, in the order in which they are shown.
  package var commands: [Command<Context>]

  /// Makes a group.
  package init(name: String, keyword: String, commands: [Command<Context>]) {
    self.name = name
    self.keyword = keyword
    self.commands = commands
  }
}
