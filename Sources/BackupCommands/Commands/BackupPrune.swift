// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-prune`: of each domain's points those go that no rule keeps.
  static var backupPrune: Command {
    Command(
      "backup-prune", summary: "Delete the backups that no rule keeps",
      description: """
        Delete backups of a domain by rules that say which are kept; every other stays restorable. \
        The rules are applied in the order within, last, hourly, daily, weekly, monthly, yearly, in \
        local time: each keeps the newest backup of so many of its periods, and passes over those of \
        which an earlier rule keeps one. The newest backup, protected ones and those in use always \
        stay. Where no rule is given those of the domain's policy count.
        """,
      options: [.pool, RetentionRules.withinOption] + RetentionRules.countOptions + [
        .bool("all", "prune the backups of all domains in the pool"),
        .bool("dry-run", "show what would be deleted, and change nothing"),
        .json, .timeout, .verbose,
        .list(
          "domain", "domain name, id or uuid; it need not exist any more",
          completer: Completers.recordedDomains),
      ],
      rules: [
        .excludes("all", "domain"), .excludes("dry-run", "timeout"),
        .excludes("dry-run", "verbose"),
      ]
    ) { shell, arguments in
      let rules = try RetentionRules(arguments)
      guard arguments.flag("all") || arguments.flag("domain") else {
        throw ShellError("a domain, or --all for all domains in the pool, must be given")
      }
      let command = try RunningCommand(shell, arguments, label: "Prune")
      return try PruneRun(command, rules: rules.isEmpty ? nil : rules).run()
    }
  }
}
