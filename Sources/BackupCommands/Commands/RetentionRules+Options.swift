// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Vsh

/// The options `--keep-…` of the commands that take rules.
extension RetentionRules {
  /// The option that keeps every backup of a length of time.
  static var withinOption: Vsh.Option<Client> {
    .duration("keep-within", "keep every backup that is younger (12h, 14d)")
  }

  /// The options that keep a number of backups, an option for each rule.
  static var countOptions: [Vsh.Option<Client>] {
    Rule.allCases.map { rule in
      .number(
        rule.option,
        rule.period.map { "keep the newest backup of each of so many \($0)" }
          ?? "keep so many of the last backups")
    }
  }

  /// Reads the rules from the options.
  ///
  /// - Throws: `ShellError` for a number that is not positive.
  init(_ arguments: Arguments) throws {
    self.init(within: try arguments.duration("keep-within"))
    for rule in Rule.allCases { counts[rule] = try arguments.count(for: rule, atLeast: 1) }
  }
}

extension RetentionRules.Rule {
  /// Name of the option that sets how many backups the rule keeps.
  var option: String { "keep-\(rawValue)" }

  /// The rule's periods, for people; nil for the rule to which every backup is a period.
  fileprivate var period: String? {
    switch self {
    case .last: nil
    case .hourly: "hours"
    case .daily: "days"
    case .weekly: "weeks"
    case .monthly: "months"
    case .yearly: "years"
    }
  }
}

extension Arguments {
  /// Reads how many backups a rule is to keep.
  ///
  /// - Parameters:
  ///   - rule: The rule.
  ///   - least: The smallest number that makes sense.
  /// - Returns: The number; nil where the option was not given.
  /// - Throws: `ShellError` for a smaller number, and for what is no number.
  func count(for rule: RetentionRules.Rule, atLeast least: Int32) throws -> Int? {
    guard let count = try number(rule.option, as: Int32.self) else { return nil }
    guard count >= least else {
      throw ShellError(
        "Numeric value '\(count)' for <\(rule.option)> option is malformed or out of range")
    }
    return Int(count)
  }
}
