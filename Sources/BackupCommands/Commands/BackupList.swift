// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-list`: the points of a pool.
  static var backupList: Command {
    Command(
      "backup-list", summary: "List the backups in a storage pool",
      description: """
        List backups by domain, oldest first, also those of domains that do not exist any more. \
        Nothing is changed.
        """,
      options: [
        .pool,
        .bool("all-pools", "look into every active storage pool"),
        .bool("parent", "add a column showing the parent backup"),
        .bool("roots", "list only backups without parents"),
        .bool("leaves", "list only backups without children"),
        .bool("no-leaves", "list only backups that are not leaves (with children)"),
        .bool("tree", "list backups in a tree"),
        .string(
          "from", "limit list to children of the given backup", positional: false,
          completer: Completers.backups),
        .bool("descendants", "with --from, list all descendants"),
        .bool("topological", "list parents before their children"),
        .bool("name", "list backup names only"),
        .bool("details", "add columns with more about each backup"),
        .bool("all", "also list unfinished and broken backups"),
        .json,
        .list(
          "domain", "only backups of this domain; it need not exist any more",
          completer: Completers.recordedDomains),
      ],
      rules: [
        .excludes("parent", "roots"), .excludes("roots", "from"), .excludes("all-pools", "pool"),
        .excludes(
          "tree", "name", "parent", "roots", "leaves", "no-leaves", "details", wording: .short),
        .excludes("json", "name", "tree"),
        .requires("descendants", "from", wording: .short), .requires("from", "domain"),
      ]
    ) { shell, arguments in
      let listing = try BackupListing(shell, arguments)
      try shell.present(listing, arguments)
      for line in listing.absences { shell.printNotice(line) }
      if listing.hidden > 0 {
        shell.printNotice("\(listing.hidden) unfinished or broken backup(s) not shown, see --all")
      }
      if listing.damaged > 0 {
        shell.printNotice("\(listing.damaged) damaged backup(s), see --details")
      }
      return true
    }
  }
}
