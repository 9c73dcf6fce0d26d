// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-restore`: disks and definition as they were at the instant.
  static var backupRestore: Command {
    Command(
      "backup-restore", summary: "Restore a domain from a backup",
      description: """
        Restore all or selected disks of a domain that is gone, and define it again; replace \
        the disks of one that is shut off with --overwrite; or make a copy beside it with \
        --newname. New files never take the place of others.
        """,
      options: [
        .recordedDomain,
        .backupname,
        .pool,
        .string("newname", "make a copy of the domain with this name"),
        .string(
          "target-pool", "storage pool for the disks: name, uuid or absolute directory",
          completer: Completers.pools),
        .string(
          "format", "format of the disks: qcow2 or raw", completer: { _, _ in ["qcow2", "raw"] }),
        .bool("overwrite", "replace the disks and the definition of a domain that is shut off"),
        .bool("keep-old", "with --overwrite: keep the files that are replaced"),
        .bool("no-define", "restore the disks only"),
        .bool("start", "start the domain"),
        .bool("paused", "start the domain paused"),
        .bool("no-verify", "do not compare the data with its checksums first"),
        .bool("live", "start the domain at once and restore its data while it runs"),
        .bandwidth,
        .bytes,
        .bool("async", "return once the data moves"),
        .timeout,
        .verbose,
        .bool("print-xml", "print the definition that would be defined, and do nothing"),
        .list(
          "diskspec",
          "disk attributes: disk[,file=path][,stype=file|block][,driver=qcow2|raw][,pool=name]",
          completer: Completers.disksToRestore),
      ],
      rules: [
        .excludes("overwrite", "newname", "no-define"), .requires("keep-old", "overwrite"),
        .excludes("no-define", "start", "paused", "live"), .excludes("overwrite", "live"),
        .excludes("print-xml", "no-define", "live"), .asyncOrTimeout, .unitOfBandwidth,
      ]
    ) { shell, arguments in
      let restore = try RestoreRun(
        RunningCommand(shell, arguments, label: "Restore", usesErrorOutput: true))
      try restore.run()
      return true
    }
  }
}
