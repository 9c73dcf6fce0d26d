// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP
import Vsh

/// The report of `backup-prune`: its plans, and the results of the deletions.
struct PruneReport: Presentable {
  /// Name of the pool.
  let pool: String
  /// True for `--dry-run`: the command only shows what a prune would delete.
  let isDryRun: Bool
  /// Plans that tell for each domain which points stay and which go.
  let plans: [PrunePlan]
  /// Points deleted and bytes freed, by the domains' UUIDs.
  var pruned: [String: Pruned] = [:]
  /// Errors that kept points from being deleted, by the domains' UUIDs.
  var failures: [String: ShellError] = [:]

  /// Makes the report of what will be done.
  init(pool: String, isDryRun: Bool, plans: [PrunePlan]) {
    self.pool = pool
    self.isDryRun = isDryRun
    self.plans = plans
  }

  /// Makes the message that tells how many points of a domain are gone, and the bytes freed.
  static func text(_ pruned: Pruned, domain: String) -> String {
    let count = pruned.points.count
    return "\(count) backup\(count == 1 ? "" : "s") of domain '\(domain)' deleted, "
      + "\(ByteCount.text(pruned.freed)) freed"
  }

  func show(on shell: Shell<Client>) {
    var table = Table("Name", "Domain", "Creation Time", "Size", "Action", "Rule", "Frees")
    let names = DomainTitles(plans.flatMap(\.entries).map(\.point.manifest))
    for entry in plans.flatMap(\.entries) {
      let manifest = entry.point.manifest
      table.append(
        manifest.name, names.title(of: manifest), Timestamp.local(seconds: manifest.creationTime),
        ByteCount.text(entry.point.size), entry.verdict.keeps ? "keep" : "remove",
        entry.verdict.rule ?? "-", entry.verdict.keeps ? "-" : ByteCount.text(entry.frees))
    }
    shell.print(table)
    let count = plans.reduce(0) { $0 + $1.removed.count }
    let frees = plans.reduce(0) { $0 &+ $1.frees }
    let backups = "\(count) backup\(count == 1 ? "" : "s")"
    if count == 0 {
      shell.printExtra("Every backup is kept")
    } else if isDryRun {
      shell.printExtra(
        "\(backups) would be deleted, which frees \(ByteCount.text(frees)) at most")
    }
    shell.output.flush()
  }

  var json: JSONValue {
    .object([
      "pool": .string(pool), "dry_run": .bool(isDryRun),
      "domains": .array(plans.map(json(of:))),
    ])
  }

  private func json(of plan: PrunePlan) -> JSONValue {
    let pruned = pruned[plan.domainUUID]
    return .object([
      "domain": .string(plan.domainName), "domain_uuid": .string(plan.domainUUID),
      "backups": .array(plan.entries.map(\.json)),
      "frees": .int(Int64(clamping: plan.frees)),
      "deleted": .array((pruned?.points ?? []).map(JSONValue.string)),
      "freed": .int(Int64(clamping: pruned?.freed ?? 0)),
      "error": failures[plan.domainUUID].map { .string($0.description) } ?? .null,
    ])
  }
}

extension PrunePlan {
  /// The newest name of the domain; its UUID where it has no point.
  var domainName: String { entries.last?.point.manifest.domainName ?? domainUUID }
}

extension PrunePlan.Entry {
  /// The point as an object of `backup-prune --json`.
  fileprivate var json: JSONValue {
    .object([
      "name": .string(point.manifest.name), "uuid": .string(point.manifest.uuid),
      "created": .string(UTCTime(secondsSince1970: point.manifest.creationTime).rfc3339),
      "size": .int(Int64(clamping: point.size)), "keep": .bool(verdict.keeps),
      "rule": verdict.rule.map(JSONValue.string) ?? .null,
      "frees": .int(Int64(clamping: frees)),
    ])
  }
}

extension Retention.Verdict {
  /// The word for why a point is kept; nil for one that goes.
  fileprivate var rule: String? {
    guard case .keep(let cause) = self else { return nil }
    return switch cause {
    case .within: "within"
    case .rule(let rule): rule.rawValue
    case .protected: "protected"
    case .newest: "newest"
    case .inUse: "in use"
    case .incomplete: "incomplete"
    case .elsewhere: "other host"
    }
  }
}
