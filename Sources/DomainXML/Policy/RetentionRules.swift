// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Which points of a domain a user wants to keep.
package struct RetentionRules: Sendable, Equatable {
  /// A rule that keeps the newest point of each of so many periods, in the order in which they are
  /// applied.
  package enum Rule: String, Sendable, CaseIterable {
    /// Every point is a period of its own.
    case last
    /// Hours of local time.
    case hourly
    /// Days of local time.
    case daily
    /// Weeks as ISO 8601 counts them, from Monday to Sunday.
    case weekly
    /// Months of the calendar.
    case monthly
    /// Years of the calendar.
    case yearly
  }

  /// How many periods each rule keeps; a rule that is missing, or is 0, keeps none.
  package var counts: [Rule: Int]
  /// Seconds before now from which on every point is kept; nil for no such rule.
  package var within: Int64?

  /// Makes rules.
  package init(counts: [Rule: Int] = [:], within: Int64? = nil) {
    self.counts = counts
    self.within = within
  }

  /// True where no rule keeps anything.
  package var isEmpty: Bool { within == nil && counts.values.allSatisfy { $0 <= 0 } }
}
