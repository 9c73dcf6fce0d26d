// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-verify`: what can be proved of backups.
  static var backupVerify: Command {
    Command(
      "backup-verify", summary: "Prove that backups can be restored",
      description: """
        Look at a backup, or at all of a domain or of a pool: whether all is there and consistent; \
        with --checksums whether all data is what it was; with --boot whether a throw-away domain \
        comes up on it, without a network and without a change to the backup. What is found is \
        written beside the backup and shown by lists. Exit status 1 where anything is wrong.
        """,
      options: [
        .string(
          "domain", "domain name, id or uuid; it need not exist any more", positional: true,
          completer: Completers.recordedDomains),
        .string(
          "backupname", "backup name or uuid; all of the domain if not given", positional: true,
          completer: Completers.backups),
        .pool,
        .bool("all", "look at the backups of all domains in the pool"),
        .bool("checksums", "compare all data with its checksums"),
        .bool("update", "compare, and make checksums where there are none"),
        .number("sample", "compare that many of a hundred backups, the longest not compared first"),
        .duration("max-time", "begin with no further backup after that time"),
        .bool("boot", "start a throw-away domain on the backup, or on the newest of each domain"),
        .duration("wait", "with --boot: how long it has to come up; 2m if not given"),
        .string(
          "screenshot", "with --boot: file for a picture of its screen (PNG)",
          completer: Completers.files),
        .verbose,
        .json,
      ],
      rules: [
        .excludes("all", "domain", "backupname", "screenshot"), .requires("sample", "checksums"),
        .requires("max-time", "checksums"), .requires("wait", "boot"),
        .requires("screenshot", "boot"),
      ]
    ) { shell, arguments in
      let request = try VerifyRequest(arguments)
      let command = try RunningCommand(shell, arguments, label: "Verify", usesErrorOutput: true)
      let engine = try command.engine()
      let points = try request.points(in: try engine.catalog(), command.workplace)
      var options = request.options
      options.emulators = try HostCapabilities.emulators(
        in: try shell.context.connection().capabilities)
      options.isRecorded = !shell.context.isReadOnly
      let found = try command.whileCaught(endsSilentHelpers: options.bootLimit != nil) {
        try engine.verify(
          points, boots: options.bootLimit == nil ? [] : request.boots(of: points),
          options: options)
      }
      command.console.complete()
      try request.save(found.reports)
      try shell.present(
        VerifyListing(reports: found.reports, unread: found.unread, pool: engine.poolName),
        arguments)
      let wrong = found.reports.count { !$0.isSound }
      guard wrong == 0 else {
        throw ShellError("\(wrong) of \(found.reports.count) backup(s) did not pass")
      }
      return true
    }
  }
}
