// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import DomainXML
import Testing

@testable import BackupCore

/// Tests properties that hold for every set of points and rules.
struct RetentionPropertyTests {
  /// Points at any times, and rules.
  private struct Case {
    var points: [Retention.Candidate]
    var rules: RetentionRules
    var now: Int64
    var localTime: LocalTime

    init(_ random: inout some RandomNumberGenerator) {
      // Some crowded, some with gaps of years.
      let spread = [3600, 86400, 7 * 86400, 900 * 86400].randomElement(using: &random) ?? 1
      var time: Int64 = 1_500_000_000
      points = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        // Clocks are set back at times.
        time += Int64.random(in: -60...Int64(spread), using: &random)
        return Retention.Candidate(
          time: time, isProtected: Int.random(in: 0..<8, using: &random) == 0,
          isInUse: Int.random(in: 0..<8, using: &random) == 0,
          isComplete: Int.random(in: 0..<12, using: &random) != 0)
      }
      rules = RetentionRules()
      for rule in RetentionRules.Rule.allCases where Bool.random(using: &random) {
        rules.counts[rule] = Int.random(in: 0...5, using: &random)
      }
      if Bool.random(using: &random) {
        rules.within = Int64.random(in: 1...Int64(4 * spread), using: &random)
      }
      now = time + Int64.random(in: 0...Int64(spread), using: &random)
      let offset = Int64.random(in: -12...14, using: &random) * 3600
      localTime = LocalTime { offset + ($0 / 15_552_000 % 2) * 3600 }
    }

    func verdicts(_ points: [Retention.Candidate]) -> [Retention.Verdict] {
      Retention(points, rules: rules, now: now, localTime: localTime).verdicts
    }
  }

  /// True if some rule's own definition keeps a point.
  ///
  /// The point is then the newest of a period that is among the last ones that have a point,
  /// counted without any other rule.
  private func isKept(_ place: Int, in item: Case, _ rule: RetentionRules.Rule) -> Bool {
    guard let count = item.rules.counts[rule], count > 0 else { return false }
    func period(_ place: Int) -> [Int64] {
      let periods = LocalPeriods(of: item.points[place].time, item.localTime)
      return switch rule {
      case .last: [Int64(place)]
      case .hourly: [periods.hour]
      case .daily: [periods.day]
      case .weekly: [periods.week]
      case .monthly: [periods.month]
      case .yearly: [periods.year]
      }
    }
    let counting = item.points.indices.filter {
      item.points[$0].isComplete && !item.points[$0].isProtected
    }
    let newer = Set(counting.filter { $0 > place }.map(period))
    return counting.contains(place) && newer.count < count && !newer.contains(period(place))
  }

  @Test func `what a rule's definition keeps is never removed`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<Rounds.few {
      let item = Case(&random)
      let verdicts = item.verdicts(item.points)
      for place in item.points.indices where !verdicts[place].keeps {
        #expect(!item.points[place].isProtected && !item.points[place].isInUse, "\(item)")
        #expect(item.points[place].isComplete, "\(item)")
        #expect(place != item.points.lastIndex(where: \.isComplete), "\(item)")
        if let within = item.rules.within {
          #expect(item.points[place].time <= item.now - within, "\(item)")
        }
        // Later rules pass over what earlier ones gave up: the first rule keeps what it says.
        let first = RetentionRules.Rule.allCases.first { (item.rules.counts[$0] ?? 0) > 0 }
        if let first { #expect(!isKept(place, in: item, first), "\(first) \(item)") }
      }
    }
  }

  @Test func `a rule alone keeps what its definition says and no more`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<Rounds.few {
      var item = Case(&random)
      item.rules.within = nil
      for rule in RetentionRules.Rule.allCases {
        item.rules.counts = [rule: Int.random(in: 1...6)]
        let verdicts = item.verdicts(item.points)
        for place in item.points.indices {
          #expect(
            (verdicts[place] == .keep(.rule(rule))) == isKept(place, in: item, rule),
            "\(rule) \(place) \(item)")
        }
      }
    }
  }

  @Test func `each rule keeps as many periods as there are, up to its number`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<Rounds.few {
      let item = Case(&random)
      let verdicts = item.verdicts(item.points)
      for rule in RetentionRules.Rule.allCases {
        let own = verdicts.filter { $0 == .keep(.rule(rule)) }.count
        #expect(own <= item.rules.counts[rule] ?? 0, "\(rule) \(item)")
      }
    }
  }

  @Test func `pruning twice removes nothing more`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<Rounds.few {
      let item = Case(&random)
      let kept = zip(item.points, item.verdicts(item.points)).filter { $0.1.keeps }.map(\.0)
      #expect(item.verdicts(kept).allSatisfy { $0.keeps }, "\(item)")
    }
  }

  @Test func `more of a rule never removes what less of it keeps`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<Rounds.few {
      var item = Case(&random)
      item.rules.within = nil
      let rule = RetentionRules.Rule.allCases.randomElement(using: &random) ?? .last
      item.rules.counts = [rule: 2]
      let few = item.verdicts(item.points)
      item.rules.counts = [rule: 3]
      let more = item.verdicts(item.points)
      #expect(zip(few, more).allSatisfy { !$0.keeps || $1.keeps }, "\(item)")
    }
  }

  /// The periods are those of the system's own calendar.
  @Test func `periods are those that strftime tells`() {
    var random = SystemRandomNumberGenerator()
    func text(_ seconds: Int64, _ format: String) -> String {
      var seconds = time_t(seconds)
      var fields = tm()
      gmtime_r(&seconds, &fields)
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
        let length = strftime(buffer.baseAddress, buffer.count, format, &fields)
        return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
    }
    for _ in 0..<20_000 {
      let first = Int64.random(in: -2_000_000_000...8_000_000_000, using: &random)
      let second = first + Int64.random(in: -700_000...700_000, using: &random)
      let (one, other) = (LocalPeriods(of: first, .utc), LocalPeriods(of: second, .utc))
      for (same, format) in [
        (one.hour == other.hour, "%Y/%m/%d/%H"), (one.day == other.day, "%Y/%m/%d"),
        (one.week == other.week, "%G/%V"), (one.month == other.month, "%Y/%m"),
        (one.year == other.year, "%Y"),
      ] where same != (text(first, format) == text(second, format)) {
        Issue.record("\(first) \(second) \(format)")
      }
    }
  }

  @Test func `ten thousand points of a hundred domains take no time worth speaking of`() {
    let rules = RetentionRules(counts: [.last: 3, .daily: 7, .weekly: 4, .monthly: 12, .yearly: 3])
    let points = (0..<100).map { Retention.Candidate(time: 1_700_000_000 + $0 * 86400) }
    let clock = ContinuousClock()
    var kept = 0
    let took = clock.measure {
      for _ in 0..<100 {
        kept +=
          Retention(points, rules: rules, now: 1_800_000_000, localTime: .utc).verdicts.filter {
            $0.keeps
          }.count
      }
    }
    #expect(took < .milliseconds(1) * kept, "\(took) for \(kept) that are kept")
  }

  /// The number of cases that each test looks at.
  private enum Rounds {
    static let few = 300
  }
}
