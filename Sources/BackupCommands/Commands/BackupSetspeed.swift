// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-setspeed`: limits what of ours copies for a domain.
  static var backupSetspeed: Command {
    Command(
      "backup-setspeed", summary: "Limit the running backup operations of a domain",
      description: """
        Set how much the copies of a running backup, restore or delete may take together, also \
        where another client started them.
        """,
      options: [
        .recordedDomain,
        .number(
          "bandwidth", "limit of all copies together: 10M, 500K a second; 0 for none",
          required: true),
        .bytes, .pool,
      ]
    ) { shell, arguments in
      let bandwidth = try Workplace.bandwidth(arguments)
      let command = try RunningCommand(shell, arguments)
      let engine = try command.engine()
      try engine.setSpeed(
        domainUUID: try command.domainUUID(in: engine.catalog()), bandwidth: bandwidth)
      return true
    }
  }
}
