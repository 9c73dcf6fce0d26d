// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Decides which points of a domain are kept.
///
/// The rules are those of Proxmox Backup Server. They are applied one after the other, each to the points
/// from the newest to the oldest. A rule passes over what an earlier one has decided, and over periods of
/// its kind in which an earlier one keeps a point; so it reaches further back than those before it. In
/// each of its own periods it keeps the newest point and gives up the others for good.
package struct Retention {
  /// The facts about a point that count for the rules.
  package struct Candidate: Sendable, Equatable {
    /// Seconds since 1970-01-01T00:00:00Z at which it was made.
    package var time: Int64
    /// True if a user protected the point: it is kept, and does not count for any rule.
    package var isProtected: Bool
    /// True if something reads or makes the point: it is kept for now, whatever the rules say.
    package var isInUse: Bool
    /// True if the point can be restored: one that cannot is left to the user, and does not count.
    package var isComplete: Bool
    /// True if another host made the point.
    ///
    /// The point is left to the rules of that host, and does not count for these.
    package var isElsewhere: Bool

    /// Makes the description of a point.
    package init(
      time: Int64, isProtected: Bool = false, isInUse: Bool = false, isComplete: Bool = true,
      isElsewhere: Bool = false
    ) {
      self.time = time
      self.isProtected = isProtected
      self.isInUse = isInUse
      self.isComplete = isComplete
      self.isElsewhere = isElsewhere
    }
  }

  /// Why a point is kept.
  package enum Cause: Sendable, Equatable {
    /// The point is younger than the age up to which a user wants all points kept.
    case within
    /// The point is the newest of one of the rule's periods.
    case rule(RetentionRules.Rule)
    /// A user protected it.
    case protected
    /// The point is the newest of all that this host made and that can be restored.
    case newest
    /// Something reads it.
    case inUse
    /// The point cannot be restored; a prune must not hide that something is wrong.
    case incomplete
    /// Another host made it.
    case elsewhere
  }

  /// The decision about a point.
  package enum Verdict: Sendable, Equatable {
    /// The point stays, for this cause.
    case keep(Cause)
    /// The point goes.
    case remove

    /// True if the point stays.
    package var keeps: Bool { self != .remove }
  }

  /// The decisions about the candidates, in their order.
  package let verdicts: [Verdict]

  /// Decides.
  ///
  /// - Parameters:
  ///   - candidates: All points of one domain, the oldest first.
  ///   - rules: What the user wants to keep.
  ///   - now: Seconds since 1970-01-01T00:00:00Z.
  ///   - localTime: By what days, weeks and so on begin.
  package init(
    _ candidates: [Candidate], rules: RetentionRules, now: Int64, localTime: LocalTime
  ) {
    var selection = Selection(candidates, localTime)
    if let within = rules.within { selection.keep(after: now - within) }
    for rule in RetentionRules.Rule.allCases {
      if let count = rules.counts[rule], count > 0 { selection.keep(count, rule) }
    }
    let newest = candidates.lastIndex { $0.isComplete && !$0.isElsewhere }
    verdicts = candidates.indices.map { place in
      let candidate = candidates[place]
      if candidate.isElsewhere { return .keep(.elsewhere) }
      if candidate.isProtected { return .keep(.protected) }
      if !candidate.isComplete { return .keep(.incomplete) }
      if case .keep(let cause) = selection.decided[place] { return .keep(cause) }
      if place == newest { return .keep(.newest) }
      return candidate.isInUse ? .keep(.inUse) : .remove
    }
  }
}

/// The decisions of the rules that were applied so far.
private struct Selection {
  /// By the points' places; nil where no rule has decided yet.
  private(set) var decided: [Retention.Verdict?]
  private let candidates: [Retention.Candidate]
  private let periods: [LocalPeriods]
  /// Places of the points that count, the newest first.
  private let places: [Int]

  init(_ candidates: [Retention.Candidate], _ localTime: LocalTime) {
    self.candidates = candidates
    decided = candidates.map { _ in nil }
    periods = candidates.map { LocalPeriods(of: $0.time, localTime) }
    places = candidates.indices.reversed().filter {
      candidates[$0].isComplete && !candidates[$0].isProtected && !candidates[$0].isElsewhere
    }
  }

  /// Keeps what was made after a moment.
  mutating func keep(after moment: Int64) {
    for place in places where candidates[place].time > moment { decided[place] = .keep(.within) }
  }

  /// Keeps the newest point of each of so many periods that no rule has a point of.
  mutating func keep(_ count: Int, _ rule: RetentionRules.Rule) {
    var covered: Set<Int64> = []
    for place in places where decided[place]?.keeps == true {
      covered.insert(period(of: place, rule))
    }
    var own: Set<Int64> = []
    for place in places where decided[place] == nil {
      let period = period(of: place, rule)
      if covered.contains(period) { continue }
      if own.contains(period) {
        decided[place] = .remove
        continue
      }
      guard own.count < count else { break }
      own.insert(period)
      decided[place] = .keep(.rule(rule))
    }
  }

  private func period(of place: Int, _ rule: RetentionRules.Rule) -> Int64 {
    switch rule {
    case .last: Int64(place)
    case .hourly: periods[place].hour
    case .daily: periods[place].day
    case .weekly: periods[place].week
    case .monthly: periods[place].month
    case .yearly: periods[place].year
    }
  }
}
