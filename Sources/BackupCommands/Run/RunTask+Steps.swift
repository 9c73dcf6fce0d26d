// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Vsh

extension RunTask {
  /// A step of the work on a domain.
  enum Step: String {
    /// `backup-create`.
    case create
    /// The same without the freezing of file systems, which failed.
    case createUnfrozen
    /// `backup-prune`.
    case prune
    /// `backup-list`: how many backups there are, and when they were verified.
    case look
    /// `backup-verify --update`: data is compared with checksums, which are made where there are none.
    case verify
    /// `backup-verify --boot`.
    case boot

    /// The word for the step, or for the part of it that was left out, for people.
    var title: String {
      switch self {
      case .create: "backup"
      case .createUnfrozen: "freeze"
      case .prune: "prune"
      case .look: "list"
      case .verify: "verify"
      case .boot: "boot"
      }
    }
  }

  /// The words of the command that does a step.
  ///
  /// A value is in one word with its option: it may begin with a dash.
  ///
  /// - Parameters:
  ///   - step: The step.
  ///   - backup: Name of the backup that the run made; nil before it has made one.
  /// - Returns: The words.
  func words(for step: Step, backup: String? = nil) -> [String] {
    let pool = policy.pool.map { ["--pool=\($0)"] } ?? []
    switch step {
    case .create, .createUnfrozen:
      var words = ["backup-create", "--domain=\(uuid)", "--json", "--verbose"] + pool
      if policy.isQuiesced, step == .create { words.append("--quiesce") }
      if let compression = policy.compression { words.append("--compress=\(compression)") }
      if let scratch = policy.scratchPool { words.append("--fleecing=\(scratch)") }
      return words
        + policy.excludedDisks.map { "--diskspec=\(RunTask.quoted($0)),backup=no" }
    case .prune:
      return ["backup-prune", "--json", "--verbose"] + pool + rules + ["--domain=\(uuid)"]
    case .look:
      return ["backup-list", "--domain=\(uuid)", "--json", "--topological"] + pool
    case .verify:
      return ["backup-verify", "--domain=\(uuid)", "--update", "--json", "--verbose"] + pool
    case .boot:
      return ["backup-verify", "--domain=\(uuid)", "--boot", "--json", "--verbose"] + pool
        + (backup.map { ["--backupname=\($0)"] } ?? [])
    }
  }

  /// The rules of the policy as options of `backup-prune`.
  var rules: [String] {
    let within = policy.rules.within.map { ["--keep-within=\(DurationText.text($0))"] } ?? []
    return within
      + RetentionRules.Rule.allCases.compactMap { rule in
        policy.rules.counts[rule].map { "--\(rule.option)=\($0)" }
      }
  }

  /// The steps that may be due, for `--dry-run`.
  var steps: String {
    var steps = ["create"]
    if policy.isQuiesced { steps[0] += " --quiesce" }
    if let compression = policy.compression { steps[0] += " --compress \(compression)" }
    if policy.hasRules {
      steps.append("prune " + rules.map { $0.replacing("=", with: " ") }.joined(separator: " "))
    }
    if let interval = policy.verifyInterval {
      steps.append("verify every \(DurationText.text(interval))")
    }
    if let interval = policy.bootInterval {
      steps.append("boot every \(DurationText.text(interval))")
    }
    return steps.joined(separator: ", ")
  }

  /// A disk as a part of a diskspec, in which two commas are one.
  private static func quoted(_ disk: String) -> String { disk.replacing(",", with: ",,") }
}

/// Lengths of time as options take them.
enum DurationText {
  /// A length of time in the largest unit that tells it exactly: `7d`, `90s`.
  static func text(_ seconds: Int64) -> String {
    let units: [(letter: String, seconds: Int64)] = [
      ("d", 86400), ("h", 3600), ("m", 60),
    ]
    for unit in units where seconds % unit.seconds == 0 && seconds >= unit.seconds {
      return "\(seconds / unit.seconds)\(unit.letter)"
    }
    return "\(seconds)s"
  }
}
