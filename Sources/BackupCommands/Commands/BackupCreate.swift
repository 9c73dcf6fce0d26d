// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import DomainXML
import Libvirt
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-create`: one consistent point of a running domain.
  static var backupCreate: Command {
    Command(
      "backup-create", summary: "Create a backup of a domain",
      description: """
        Create one consistent backup of all or selected disks of a running domain, with its \
        definition, in a storage pool. Each disk is incremental where everything that changed \
        since an earlier backup is known, else full; the reason of every full is printed.
        """,
      options: [
        .domain(Completers.runningDomains),
        .pool,
        .string("backupname", "name of the backup; the time in UTC if not given"),
        .string("description", "what the backup is for"),
        .bool("full", "back up all data of every disk"),
        .bool("incremental", "fail if a disk would have to be backed up in full"),
        .string(
          "parent", "back up all that changed since this backup", completer: Completers.backups),
        .bandwidth,
        .bytes,
        .bool("async", "return as soon as the data is being copied"),
        .timeout,
        .verbose,
        .list(
          "diskspec", "disk attributes: disk[,backup=yes|no][,backupmode=type][,incremental=name]",
          completer: Completers.disksToBackUp),
      ]
    ) { shell, arguments in
      try arguments.mutuallyExclusive("full", "incremental")
      try arguments.mutuallyExclusive("full", "parent")
      try arguments.mutuallyExclusive("async", "timeout")
      let options = CreateOptions(
        name: try arguments.string("backupname"),
        description: try arguments.string("description"), isFull: arguments.flag("full"),
        isIncremental: arguments.flag("incremental"), parent: try arguments.string("parent"),
        disks: try arguments.strings("diskspec").map(CreateOptions.DiskRequest.init(diskspec:)),
        bandwidth: try Workplace.bandwidth(arguments))
      let deadline = try Workplace.deadline(arguments)
      let domain = try shell.context.domain(try arguments.required("domain"))
      let isAsync = arguments.flag("async")
      let console = Console(shell, label: "Backup", isVerbose: arguments.flag("verbose"))
      let engine = try Workplace(shell).engine(
        pool: try arguments.string("pool"), observer: console)
      let manifest = try shell.context.interrupt.whileCaught {
        try engine.create(
          domainUUID: domain.uuid, options: options, isAsync: isAsync, deadline: deadline)
      }
      if !isAsync { console.complete() }
      shell.printExtra(
        "Domain backup \(manifest.name) \(isAsync ? "started" : "created")", terminator: "")
      return true
    }
  }
}
