// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP
import Vsh

/// The texts and JSON objects in which lists and documents show the checks of a backup.
extension Verification {
  /// The most that was proved and when, or what failed: a cell of a table.
  var summary: String {
    if let failed = checks.last(where: { !$0.isPassed }) {
      return "\(failed.level.rawValue) failed"
    }
    guard let best = checks.last else { return "-" }
    return "\(best.level.rawValue) \(Timestamp.local(seconds: best.time).prefix(10))"
  }

  /// A line for each check: its level, and when and how it went.
  var lines: [(name: String, text: String)] {
    checks.map { check in
      let result = check.isPassed ? "passed" : "failed"
      let detail = check.detail.map { " (\($0))" } ?? ""
      let name = check.level.rawValue
      return (
        name.prefix(1).uppercased() + name.dropFirst() + ":",
        "\(result) \(Timestamp.local(seconds: check.time))\(detail)"
      )
    }
  }

  /// An object with a member for each level, null where there was no such check.
  static func json(_ record: Verification?) -> JSONValue {
    .object(
      Dictionary(
        uniqueKeysWithValues: Level.allCases.map { level in
          (level.rawValue, record?.check(level).map(json) ?? .null)
        }))
  }

  private static func json(_ check: Check) -> JSONValue {
    .object([
      "time": .string(UTCTime(secondsSince1970: check.time).rfc3339),
      "passed": .bool(check.isPassed), "detail": check.detail.map(JSONValue.string) ?? .null,
    ])
  }
}
