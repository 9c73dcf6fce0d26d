// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Every command of a shell.
package struct CommandTable<Context>: Sendable {
  /// The groups, in the order in which `help` shows them.
  package let groups: [CommandGroup<Context>]

  private let commandsByName: [String: Command<Context>]

  /// Makes a table; of two commands with one name the first counts.
  package init(groups: [CommandGroup<Context>]) {
    self.groups = groups
    commandsByName = Dictionary(
      groups.flatMap(\.commands).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The commands of all groups.
  package var commands: [Command<Context>] { groups.flatMap(\.commands) }

  /// The command of that name.
  package func command(named name: String) -> Command<Context>? {
    commandsByName[name]
  }

  /// The group of that heading or keyword.
  package func group(named name: String) -> CommandGroup<Context>? {
    groups.first { $0.name == name || $0.keyword == name }
  }
}
