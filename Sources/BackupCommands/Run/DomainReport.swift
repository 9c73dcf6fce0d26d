// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// What a run came to for a domain.
struct DomainReport {
  /// What became of its backup.
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

  /// What a check of the backups came to.
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
    /// What the step said, a message a line.
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
    ]

    /// Whether something was lost, so that it had to be.
    var isUnexpected: Bool { !Full.expected.contains(code) }
  }

  /// The domain.
  let task: RunTask
  /// What became of its backup.
  var result = Result.failed
  /// What `backup-create --json` says of the new backup; nil where there is none.
  var backup: JSONValue?
  /// Disks that were backed up in full.
  var fulls: [Full] = []
  /// When the new backup was there, in seconds since 1970-01-01T00:00:00Z; nil where there is none.
  var created: Int64?
  /// When the domain's turn ended, in the same; nil where it had none.
  var ended: Int64?
  /// Seconds that all of its steps took.
  var seconds: Double = 0
  /// How many backups of the domain the pool has; nil where nobody looked.
  var points: Int?
  /// How many were removed.
  var removed = 0
  /// Whether the guest's file systems could not be frozen, and the backup was made without.
  var isFreezeFailed = false
  /// What comparing with checksums came to.
  var verified = Check.notDue
  /// What starting a domain on the newest backup came to.
  var booted = Check.notDue
  /// What went wrong, in order.
  var problems: [Problem] = []

  /// Makes the report of a domain whose turn has not come.
  init(_ task: RunTask) {
    self.task = task
    if task.policy.isOff { result = .off }
  }

  /// Whether the domain has what it is to have: a new backup, or none by its policy.
  var isGood: Bool { result == .created || result == .off }

  /// Whether besides nothing was lost on the way: `--strict`.
  var isFaultless: Bool {
    isGood && problems.isEmpty && !fulls.contains(where: \.isUnexpected)
  }

  /// Bytes of the new backup; nil where there is none.
  var size: UInt64? { backup?["size"]?.int.map(UInt64.init(clamping:)) }

  /// How the disks were backed up, with the reason of every full that nobody asked for.
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

  /// What became of the domain, for the table.
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
