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
      "backup-jobinfo", summary: "Show the backup operations of a domain that are running",
      description: """
        Show the operations on a domain that are running. What is complete is published first, \
        and what has failed is undone.
        """,
      options: [.recordedDomain, .pool, .json]
    ) { shell, arguments in
      let command = try RunningCommand(shell, arguments)
      let engine = try command.engine()
      let uuid = try command.domainUUID(in: engine.catalog())
      try shell.present(JobList(jobs: try engine.jobs(of: uuid)), arguments)
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

/// What `backup-jobinfo` shows.
private struct JobList: Presentable {
  let jobs: [JobReport]

  var json: JSONValue { .object(["jobs": .array(jobs.map(\.json))]) }

  func show(on shell: Shell<Client>) {
    if jobs.isEmpty { show("Job type:", "None", on: shell) }
    for job in jobs { show(job, on: shell) }
  }

  private func show(_ job: JobReport, on shell: Shell<Client>) {
    let isSession = job.operation == "nbd"
    show("Job type:", "Unbounded", on: shell)
    show(
      "Operation:", isSession ? "NBD session" : job.operation.capitalizedASCII, on: shell)
    show(isSession ? "Session:" : "Backup:", job.name, on: shell)
    show("State:", job.state, on: shell)
    if let damage = job.damage { show("Error:", damage, on: shell) }
    show("Started:", Timestamp.local(seconds: job.started), on: shell)
    for disk in job.session?.disks ?? [] {
      show("Disk \(disk.name):", disk.uri, on: shell)
    }
    for disk in job.disks {
      let done = ByteCount.text(disk.done, decimals: 3)
      show(
        "Disk \(disk.disk):", "\(done) of \(ByteCount.text(disk.total, decimals: 3))", on: shell)
    }
  }

  private func show(_ label: String, _ value: String, on shell: Shell<Client>) {
    shell.print(label + String(repeating: " ", count: max(1, 18 - label.count)) + value)
  }
}

extension JobReport {
  /// The operation as a JSON object.
  fileprivate var json: JSONValue {
    .object([
      "operation": .string(operation), "name": .string(name), "state": .string(state),
      "started": .string(UTCTime(secondsSince1970: started).rfc3339),
      "disks": .array(
        (session?.disks.map(\.json) ?? [])
          + disks.map {
            .object([
              "name": .string($0.disk), "bytes_done": .int(Int64(clamping: $0.done)),
              "bytes_total": .int(Int64(clamping: $0.total)),
            ])
          }),
    ])
  }
}

extension String {
  /// The text with its first letter as a capital.
  fileprivate var capitalizedASCII: String { prefix(1).uppercased() + dropFirst() }
}
