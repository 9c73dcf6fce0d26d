// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP
import Vsh

/// The work of a run on one domain: a step after the other, as far as they are due.
///
/// Each is a command of this program in a process of its own: what it waits for, whatever hangs or fails
/// in it, is its own.
final class DomainRun: WorkLine {
  /// The report on the domain, which grows with each step that ends.
  private(set) var report: DomainReport
  private let program: RunProgram
  private let note: (String) -> Void
  private var step: RunTask.Step?
  private var began: ContinuousClock.Instant?
  /// Backups of the domain in the pool, from `backup-list --json`.
  private var known: [JSONValue] = []

  /// Prepares the work.
  ///
  /// - Parameters:
  ///   - task: The domain.
  ///   - program: How a command is run.
  ///   - note: Is told what begins and ends.
  init(_ task: RunTask, _ program: RunProgram, note: @escaping (String) -> Void) {
    report = DomainReport(task)
    self.program = program
    self.note = note
  }

  private var task: RunTask { report.task }

  func skip() { report.result = .cancelled }

  func next(after outcome: Crew.Outcome?) -> Crew.Step? {
    if let problem = task.problem {
      report.problems.append(.init(step: .create, lines: [problem]))
      report.ended = program.time()
      return nil
    }
    if began == nil { began = .now }
    if let step, let outcome { take(outcome, of: step) }
    step = following(step, outcome)
    if let step {
      note("\(step.title) begins")
      return program.step(task.words(for: step, backup: report.backup?["name"]?.string))
    }
    report.seconds = began.map { (.now - $0) / .seconds(1) } ?? 0
    report.ended = program.time()
    note("\(report.resultText), \(ProgressText.duration(seconds: report.seconds))")
    return nil
  }

  /// The step that comes after another; nil at the end.
  private func following(_ last: RunTask.Step?, _ outcome: Crew.Outcome?) -> RunTask.Step? {
    guard let last else { return .create }
    // No step follows one that was stopped or took too long: the user wants none, or it would hang.
    guard let outcome, !outcome.isLate, !outcome.isCancelled else { return nil }
    if last == .create, report.isFreezeFailed, report.result != .created { return .createUnfrozen }
    guard report.result == .created else { return nil }
    let order: [RunTask.Step] = [.create, .createUnfrozen, .prune, .look, .verify, .boot]
    guard let place = order.firstIndex(of: last) else { return nil }
    return order[(place + 1)...].first { isDue($0) }
  }

  private func isDue(_ step: RunTask.Step) -> Bool {
    switch step {
    case .create, .createUnfrozen: false
    case .prune: task.policy.hasRules
    case .look: true
    case .verify: isVerificationDue
    case .boot: isBootDue
    }
  }

  /// True when comparing with checksums is due by the interval of the policy.
  ///
  /// Comparing is due when no backup was ever compared, or when one was neither made nor compared
  /// within the interval.
  private var isVerificationDue: Bool {
    guard let limit = limit(task.policy.verifyInterval) else { return false }
    let times = known.map {
      (made: $0["created"]?.string ?? "", checked: time(of: "checksums", $0))
    }
    return times.allSatisfy { $0.checked == nil }
      || times.contains { max($0.made, $0.checked ?? "") <= limit }
  }

  /// True when the policy has an interval for starts, and no backup was started within it.
  private var isBootDue: Bool {
    guard let limit = limit(task.policy.bootInterval) else { return false }
    return known.compactMap { time(of: "boot", $0) }.max().map { $0 <= limit } ?? true
  }

  /// Reads the time of a backup's last check on a level, in RFC 3339; nil for never.
  private func time(of level: String, _ backup: JSONValue) -> String? {
    backup["verified"]?[level]?["time"]?.string
  }

  /// The time before which a check is too old, in a form whose texts are in the order of their times;
  /// nil where there is no interval.
  ///
  /// A run begins at about the same time each night, not to the minute, and a check ends later than it
  /// began: so an interval is over a little before its time.
  private func limit(_ interval: Int64?) -> String? {
    interval.map {
      UTCTime(secondsSince1970: program.time() - $0 + min(12 * 3600, $0 / 2)).rfc3339
    }
  }

  // MARK: - What a step came to

  private func take(_ outcome: Crew.Outcome, of step: RunTask.Step) {
    let document = JSONValue(document: outcome.output)
    switch step {
    case .create, .createUnfrozen: takeBackup(outcome, document, of: step)
    case .prune:
      report.removed = document?["domains"]?.elements.first?["deleted"]?.elements.count ?? 0
      if !outcome.isSuccess { fail(step, outcome) }
    case .look:
      known = document?["backups"]?.elements ?? []
      if outcome.isSuccess { report.points = known.count } else { fail(step, outcome) }
    case .verify:
      report.verified = outcome.isSuccess ? .passed : .failed
      if !outcome.isSuccess { fail(step, outcome, DomainRun.damages(in: document)) }
    case .boot:
      report.booted = outcome.isSuccess ? .passed : .failed
      if !outcome.isSuccess { fail(step, outcome, DomainRun.damages(in: document)) }
    }
  }

  /// Lists the faults in the output of `backup-verify --json`, a line each.
  private static func damages(in document: JSONValue?) -> [String] {
    (document?["backups"]?.elements ?? []).filter { $0["passed"] == false }.flatMap { backup in
      let name = backup["name"]?.string ?? ""
      let problems = (backup["problems"]?.elements ?? []).map { problem in
        "backup '\(name)': volume '\(problem["volume"]?.string ?? "")': "
          + (problem["problem"]?.string ?? "")
      }
      let boot = backup["boot"]?.string == "failed" ? backup["boot_detail"]?.string : nil
      return problems + (boot.map { ["backup '\(name)': \($0)"] } ?? [])
    }
  }

  private func takeBackup(
    _ outcome: Crew.Outcome, _ document: JSONValue?, of step: RunTask.Step
  ) {
    if outcome.isSuccess, let document {
      report.result = .created
      report.created = program.time()
      report.backup = document
      // An attempt that failed before this one failed at the freezing.
      for index in report.problems.indices { report.problems[index].step = .createUnfrozen }
      if document["running"] == false, report.isFreezeFailed {
        // A domain that is shut off has nothing to freeze, so that nothing is lost.
        report.isFreezeFailed = false
        report.problems = []
      }
      report.fulls = (document["disks"]?.elements ?? []).compactMap { disk in
        guard disk["mode"]?.string == "full", let name = disk["name"]?.string else { return nil }
        return DomainReport.Full(
          disk: name, code: disk["reason_code"]?.string ?? "unknown",
          reason: disk["reason"]?.string ?? "unknown")
      }
      return
    }
    // The attempt without freezing failed too: both messages would tell of the same fault.
    if step == .createUnfrozen { report.problems = [] }
    report.result = outcome.isLate ? .timedOut : outcome.isCancelled ? .cancelled : .failed
    report.isFreezeFailed =
      step == .create && task.policy.isQuiesced && !outcome.isLate && !outcome.isCancelled
    fail(.create, outcome)
  }

  private func fail(
    _ step: RunTask.Step, _ outcome: Crew.Outcome, _ found: [String] = []
  ) {
    report.problems.append(.init(step: step, lines: found + outcome.messages))
  }
}

extension Crew.Outcome {
  /// Why a program failed, a message a line.
  var messages: [String] {
    var lines = errors.utf8.split { [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains($0) }
      .map { String(Substring($0)) }.filter { $0.hasPrefix("error: ") }
      .map { String($0.dropFirst("error: ".count)) }
    if isLate { lines.insert("it took longer than --timeout allows", at: 0) }
    switch ending {
    case .notStarted(let reason): lines.append("it could not be started: \(reason)")
    case .killed(by: let signal): lines.append("it was killed by signal \(signal)")
    case nil: lines.append("it does not end, whatever it is told; it is left to itself")
    case .exited(let status):
      if lines.isEmpty { lines.append("it ended with exit status \(status)") }
    }
    return lines
  }
}
