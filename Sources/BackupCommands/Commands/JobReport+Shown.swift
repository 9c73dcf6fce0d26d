// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import QMP
import Vsh

/// The operations of one domain as `backup-jobinfo` shows them, after virsh's `domjobinfo`.
struct JobList: Presentable {
  /// The operations.
  let jobs: [JobReport]
  /// Seconds since 1970-01-01T00:00:00Z, for rates.
  let now: Int64

  var json: JSONValue { .object(["jobs": .array(jobs.map { $0.json(now: now) })]) }

  func show(on shell: Shell<Client>) {
    if jobs.isEmpty { show("Job type:", "None", on: shell) }
    for job in jobs { show(job, on: shell) }
  }

  private func show(_ job: JobReport, on shell: Shell<Client>) {
    show("Job type:", "Unbounded", on: shell)
    show("Operation:", job.operationTitle, on: shell)
    show(job.operation == "nbd" ? "Session:" : "Backup:", job.name, on: shell)
    show("State:", job.state, on: shell)
    if let damage = job.damage { show("Error:", damage, on: shell) }
    show("Started:", Timestamp.local(seconds: job.started), on: shell)
    for disk in job.session?.disks ?? [] {
      show("Disk \(disk.name):", disk.uri, on: shell)
    }
    for disk in job.disks {
      let done = ByteCount.text(disk.done, decimals: 3)
      let share = disk.total == 0 ? "" : ", \(disk.done.percent(of: disk.total)) %"
      show(
        "Disk \(disk.disk):", "\(done) of \(ByteCount.text(disk.total, decimals: 3))\(share)",
        on: shell)
    }
    if let rate = job.rate(now: now) {
      show("Average rate:", "\(ByteCount.text(rate, decimals: 3))/s", on: shell)
    }
    if let left = job.timeLeft(now: now) { show("Time remaining:", left, on: shell) }
  }

  private func show(_ label: String, _ value: String, on shell: Shell<Client>) {
    shell.print(label + String(repeating: " ", count: max(1, 18 - label.count)) + value)
  }
}

/// The operations of all domains as `backup-jobinfo` shows them, a row each.
struct JobTable: Presentable {
  /// The operations.
  let jobs: [JobReport]
  /// Seconds since 1970-01-01T00:00:00Z, for rates.
  let now: Int64

  var json: JSONValue { JobList(jobs: jobs, now: now).json }

  func show(on shell: Shell<Client>) {
    var table = Table(
      "Domain", "Operation", "Name", "State", "Started", "Done", "Rate", "Time left")
    for job in jobs {
      table.append(
        job.domain, job.operationTitle, job.name, job.state,
        Timestamp.local(seconds: job.started), job.share.map { "\($0) %" } ?? "-",
        job.rate(now: now).map { "\(ByteCount.text($0))/s" } ?? "-",
        job.timeLeft(now: now) ?? "-")
    }
    shell.print(table.text(hasHeader: !shell.isQuiet))
  }
}

extension JobReport {
  /// The operation as a JSON object.
  fileprivate func json(now: Int64) -> JSONValue {
    .object([
      "operation": .string(operation), "name": .string(name), "domain": .string(domain),
      "state": .string(state), "started": .string(UTCTime(secondsSince1970: started).rfc3339),
      "disks": .array(
        (session?.disks.map(\.json) ?? [])
          + disks.map {
            .object([
              "name": .string($0.disk), "bytes_done": .int(Int64(clamping: $0.done)),
              "bytes_total": .int(Int64(clamping: $0.total)),
              "rate": .int(Int64(clamping: $0.done / UInt64(max(1, now - started)))),
            ])
          }),
    ])
  }

  /// The operation, for people.
  fileprivate var operationTitle: String {
    operation == "nbd" ? "NBD session" : operation.capitalizedASCII
  }

  private var done: UInt64 { disks.reduce(0) { $0 &+ min($1.done, $1.total) } }
  private var total: UInt64 { disks.reduce(0) { $0 &+ $1.total } }

  /// Percent of the copying that is done; nil where nothing is copied.
  fileprivate var share: UInt64? { total == 0 ? nil : done.percent(of: total) }

  /// Bytes per second since it began; nil before there is any.
  fileprivate func rate(now: Int64) -> UInt64? {
    guard state == "running", done > 0, now > started else { return nil }
    return done / UInt64(now - started)
  }

  /// Estimates the time left at that rate, as `1:05`; nil without a rate or once all is copied.
  fileprivate func timeLeft(now: Int64) -> String? {
    guard let rate = rate(now: now), rate > 0, done < total else { return nil }
    return ProgressText.duration(seconds: Double(total - done) / Double(rate))
  }
}

extension UInt64 {
  /// Percent of a larger number, rounded down.
  fileprivate func percent(of total: UInt64) -> UInt64 {
    UInt64(Double(Swift.min(self, total)) * 100 / Double(total))
  }
}

extension String {
  /// The text with its first letter as a capital.
  var capitalizedASCII: String { prefix(1).uppercased() + dropFirst() }
}
