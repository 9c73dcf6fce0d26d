// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// The result of a run for one domain.
struct DomainReport {
  /// The result of the backup of the domain.
  enum Result: String {
    /// There is a new one.
    case created
    /// There is none.
    case failed
    /// There is none, since it took too long.
    case timedOut = "timed out"
    /// There is none, since the user asked to stop.
    case cancelled
    /// Its policy leaves it out.
    case off
  }

  /// The result of a check of the backups.
  enum Check: String {
    /// None was due.
    case notDue = "not_due"
    /// All is well.
    case passed
    /// Something is wrong, or nothing could be found out.
    case failed
  }

  /// Something that went wrong.
  struct Problem {
    /// The step that it was in.
    var step: RunTask.Step
    /// Messages of the step, a line each.
    var lines: [String]
  }

  /// A disk that was backed up in full.
  struct Full: Equatable {
    /// Its target.
    var disk: String
    /// Why, in a stable word.
    var code: String
    /// Why, in words.
    var reason: String

    /// Reasons that the user knows of, or that are no news the second time.
    private static let expected: Set = [
      "first", "requested", "new_disk", "forgotten", "chain_long", "shared",
      "unprotected_thread",
    ]

    /// True when the disk is in full because something was lost, such as its bitmap.
    var isUnexpected: Bool { !Full.expected.contains(code) }
  }

  /// The domain.
  let task: RunTask
  /// Result of the backup of the domain.
  var result = Result.failed
  /// Output of `backup-create --json` on the new backup; nil where there is none.
  var backup: JSONValue?
  /// Disks that were backed up in full.
  var fulls: [Full] = []
  /// Time at which the new backup was made, in seconds since 1970-01-01T00:00:00Z; nil for none.
  var created: Int64?
  /// Time at which the domain's turn ended, in seconds since 1970-01-01T00:00:00Z; nil for none.
  var ended: Int64?
  /// Seconds that all of its steps took.
  var seconds: Double = 0
  /// Number of the domain's backups in the pool; nil where they were not listed.
  var points: Int?
  /// Number of backups that `backup-prune` deleted.
  var removed = 0
  /// True when `backup-create --quiesce` failed, and the run went on without `--quiesce`.
  ///
  /// The value is false again once the second try fails too, or backs up a domain that is shut off.
  var isFreezeFailed = false
  /// Result of `backup-verify --update`, which compares the backups with their checksums.
  var verified = Check.notDue
  /// Result of `backup-verify --boot`, which starts a domain on the newest backup.
  var booted = Check.notDue
  /// Problems of the steps, in the order in which they occurred.
  var problems: [Problem] = []

  /// Makes the report of a domain whose turn has not come.
  init(_ task: RunTask) {
    self.task = task
    if task.policy.isOff { result = .off }
  }

  /// True when the domain has a new backup, or none because its policy leaves it out.
  var isGood: Bool { result == .created || result == .off }

  /// True when the domain is good, no step failed and no full was unexpected: `--strict`.
  var isFaultless: Bool {
    isGood && problems.isEmpty && !fulls.contains(where: \.isUnexpected)
  }

  /// Bytes of the new backup; nil where there is none.
  var size: UInt64? { backup?["size"]?.int.map(UInt64.init(clamping:)) }

  /// Text for the table on full and incremental disks, with the reason of each unexpected full.
  var mode: String {
    guard let backup else { return "-" }
    guard !fulls.isEmpty else { return "incremental" }
    let isWhole = backup["type"]?.string == "full"
    let unexpected = fulls.filter(\.isUnexpected)
    if isWhole, unexpected.isEmpty { return "full" }
    if isWhole, unexpected.count == fulls.count, Set(unexpected.map(\.reason)).count == 1 {
      return "full: \(unexpected[0].reason)"
    }
    let parts = fulls.map { full in
      "\(full.disk) full" + (full.isUnexpected ? ": \(full.reason)" : "")
    }
    return ((isWhole ? [] : ["incremental"]) + parts).joined(separator: ", ")
  }

  /// Text for the table on the result, with what failed although there is a new backup.
  var resultText: String {
    guard result == .created else { return result.rawValue }
    var parts = ["created"]
    if isFreezeFailed { parts.append("not frozen") }
    if problems.contains(where: { $0.step == .prune }) { parts.append("not pruned") }
    if verified == .failed { parts.append("not verified") }
    if booted == .failed { parts.append("does not boot") }
    return parts.joined(separator: ", ")
  }
}
