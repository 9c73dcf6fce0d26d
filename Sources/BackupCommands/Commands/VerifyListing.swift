// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import QMP
import Vsh

/// The result of `backup-verify`.
struct VerifyListing: Presentable {
  /// Reports on the points that were checked.
  let reports: [VerifyReport]
  /// Number of points left uncompared because the time of `--max-time` was over.
  let unread: Int
  /// Name of the pool.
  let pool: String

  /// Shows it as a table, with a line for each problem below.
  func show(on shell: Shell<Client>) {
    var table = Table("Backup", "Domain", "Structure", "Checksums", "Boot")
    for report in reports {
      let manifest = report.point.manifest
      table.append(
        manifest.name, manifest.domainName, report.structure, report.comparison?.rawValue ?? "-",
        report.boot.map { $0.isPassed ? "ok" : "failed" } ?? "-")
    }
    shell.print(table)
    for report in reports {
      let name = report.point.manifest.name
      for problem in report.problems {
        shell.print("backup '\(name)': volume '\(problem.volume)': \(problem.text)".printable)
      }
      if let boot = report.boot { shell.print("backup '\(name)': \(boot.detail)".printable) }
    }
    if unread > 0 {
      shell.printNotice("\(unread) backup(s) not compared: the time of --max-time is over")
    }
    let bare = reports.count { $0.comparison == .bare }
    if bare > 0 {
      shell.printNotice("\(bare) backup(s) without checksums: --update makes them")
    }
  }

  /// The same as a JSON document.
  var json: JSONValue {
    .object([
      "backups": .array(reports.map { $0.json(pool: pool) }), "unread": .int(Int64(unread)),
    ])
  }
}

extension VerifyReport {
  /// State of the volumes: `ok` also where a failed comparison accounts for all their faults.
  fileprivate var structure: String {
    problems.isEmpty || comparison == .failed && isOnlyAltered ? "ok" : point.state(problems)
  }

  private var isOnlyAltered: Bool { problems.allSatisfy(altered.contains) }

  /// The report as an object.
  fileprivate func json(pool: String) -> JSONValue {
    let manifest = point.manifest
    return .object([
      "name": .string(manifest.name), "uuid": .string(manifest.uuid),
      "domain": .string(manifest.domainName), "domain_uuid": .string(manifest.domainUUID),
      "pool": .string(pool), "passed": .bool(isSound), "state": .string(point.state(problems)),
      "structure": .string(structure),
      "checksums": comparison.map { .string($0.rawValue) } ?? .null,
      "boot": boot.map { .string($0.isPassed ? "ok" : "failed") } ?? .null,
      "boot_detail": boot.map { .string($0.detail) } ?? .null,
      "problems": .array(
        problems.map {
          .object(["volume": .string($0.volume), "problem": .string($0.text)])
        }),
    ])
  }
}
