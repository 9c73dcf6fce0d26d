// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-jobinfo`: what of ours runs on a domain.
  static var backupJobinfo: Command {
    Command(
      "backup-jobinfo", summary: "Show the backup operations that are running",
      description: """
        Show the operations on a domain that are running, or a table of those on all domains. What \
        is complete is published first, and what has failed is undone.
        """,
      options: [.anyRecordedDomain, .pool, .json]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let engine = try command.engine()
      let now = Workplace.process.time()
      guard arguments.flag("domain") else {
        try shell.present(JobTable(jobs: try engine.jobs(), now: now), arguments)
        return true
      }
      let uuid = try command.domainUUID(in: engine.catalog())
      try shell.present(JobList(jobs: try engine.jobs(of: uuid), now: now), arguments)
      return true
    }
  }

  /// `backup-jobabort`: ends what of ours runs on a domain.
  static var backupJobabort: Command {
    Command(
      "backup-jobabort", summary: "Cancel the backup operations of a domain",
      description: """
        Cancel the operations that are running on a domain and undo what they made. Those of \
        another host are ended there, or forgotten with --host-is-gone.
        """,
      options: [
        .recordedDomain, .pool,
        .bool("host-is-gone", "forget what a host that is gone for good has under way"),
      ]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let engine = try command.engine()
      let uuid = try command.domainUUID(in: engine.catalog())
      if arguments.flag("host-is-gone") {
        let forgotten = try engine.forgetGoneHosts(domainUUID: uuid)
        for line in forgotten { shell.printNotice(line.capitalizedASCII) }
        return true
      }
      try command.whileCaught(endsSilentHelpers: true) {
        try engine.abort(domainUUID: uuid)
      }
      return true
    }
  }

  /// `backup-forget`: removes our bitmaps.
  static var backupForget: Command {
    Command(
      "backup-forget", summary: "Remove the record of changes from a domain's disks",
      description: """
        Remove our dirty bitmaps from the disks of a running domain; the next backup is full. \
        This is needed before snapshot-revert to an internal snapshot, and useful after the images \
        were written to by something other than the domain.
        """,
      options: [.domain(Completers.runningDomains), .pool]
    ) { shell, arguments in
      let domain = try shell.context.domain(try arguments.required("domain"))
      let engine = try RunningCommand(shell, arguments).engine()
      try engine.forget(domainUUID: domain.uuid)
      shell.printExtra(
        "Changes of domain '\(domain.name)' forgotten, its next backup is full", terminator: "")
      return true
    }
  }
}
