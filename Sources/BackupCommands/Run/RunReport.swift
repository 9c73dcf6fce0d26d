// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP
import Vsh

/// The result of a run, which `backup-run` prints and gives to the hook.
struct RunReport: Presentable {
  /// URI of the connection.
  let uri: String
  /// Time at which the run began, in seconds since 1970-01-01T00:00:00Z.
  let began: Int64
  /// Time at which the run ended, in seconds since 1970-01-01T00:00:00Z.
  let ended: Int64
  /// True when the user asked the run to stop.
  let wasStopped: Bool
  /// Reports on the domains, in the order of their names.
  let domains: [DomainReport]

  /// True when the user did not stop the run, and each domain has a new backup or is to have none.
  ///
  /// A strict answer demands, besides, that no step failed and that no full was unexpected.
  func isGood(strictly isStrict: Bool) -> Bool {
    !wasStopped && domains.allSatisfy { isStrict ? $0.isFaultless : $0.isGood }
  }

  /// Messages of the steps that failed, a line each, with the domain and the step before it.
  var messages: [String] {
    domains.flatMap { domain in
      domain.problems.flatMap { problem in
        problem.lines.map { "\(domain.task.name): \(problem.step.title): \($0)" }
      }
    }
  }

  func show(on shell: Shell<Client>) {
    var table = Table("Domain", "Result", "Mode", "Size", "Time", "Kept", "Removed")
    for domain in domains {
      table.append(
        domain.task.name, domain.resultText, domain.mode,
        domain.size.map { ByteCount.text($0) } ?? "-",
        domain.ended == nil ? "-" : ProgressText.duration(seconds: domain.seconds),
        domain.points.map(String.init) ?? "-", domain.result == .created ? "\(domain.removed)" : "-"
      )
    }
    shell.print(table)
    shell.printExtra(summary)
  }

  /// The run in one line.
  var summary: String {
    var parts = ["\(count(.created)) backed up"]
    for result in [DomainReport.Result.failed, .timedOut, .cancelled, .off]
    where count(result) > 0 {
      parts.append("\(count(result)) \(result.rawValue)")
    }
    let size = domains.reduce(UInt64(0)) { $0 &+ ($1.size ?? 0) }
    let number = "\(domains.count) domain\(domains.count == 1 ? "" : "s")"
    return "\(number): \(parts.joined(separator: ", ")); \(ByteCount.text(size)) in "
      + ProgressText.duration(seconds: Double(ended - began))
  }

  private func count(_ result: DomainReport.Result) -> Int {
    domains.count { $0.result == result }
  }

  var json: JSONValue {
    .object([
      "uri": .string(uri), "began": .string(UTCTime(secondsSince1970: began).rfc3339),
      "ended": .string(UTCTime(secondsSince1970: ended).rfc3339),
      "seconds": .int(ended - began), "cancelled": .bool(wasStopped),
      "success": .bool(isGood(strictly: false)), "faultless": .bool(isGood(strictly: true)),
      "summary": .string(summary), "domains": .array(domains.map(\.json)),
    ])
  }
}

extension DomainReport {
  /// The report as an object.
  fileprivate var json: JSONValue {
    .object([
      "domain": .string(task.name), "domain_uuid": .string(task.uuid),
      "result": .string(result.rawValue.replacing(" ", with: "_")), "mode": .string(mode),
      "backup": backup ?? .null, "seconds": .int(Int64(seconds.rounded())),
      "points": points.map { .int(Int64($0)) } ?? .null, "removed": .int(Int64(removed)),
      "frozen": task.policy.isQuiesced && result == .created ? .bool(!isFreezeFailed) : .null,
      "verified": .string(verified.rawValue), "booted": .string(booted.rawValue),
      "full": .array(
        fulls.map {
          .object([
            "disk": .string($0.disk), "reason_code": .string($0.code),
            "reason": .string($0.reason), "unexpected": .bool($0.isUnexpected),
          ])
        }),
      "problems": .array(
        problems.map {
          .object([
            "step": .string($0.step.title),
            "messages": .array($0.lines.map(JSONValue.string)),
          ])
        }),
    ])
  }
}
