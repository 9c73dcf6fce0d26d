// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import DomainXML
import Testing

@testable import BackupCore

/// Tests which points the rules keep, by the semantics of Proxmox Backup Server.
struct RetentionTests {
  /// Decides, in UTC unless told, at the time of the newest point.
  private func kept(
    _ times: [String], _ rules: [RetentionRules.Rule: Int], within: Int64? = nil,
    localTime: LocalTime = .utc
  ) throws -> [String: String] {
    let seconds = try times.map(Moment.seconds)
    let verdicts = Retention(
      seconds.map { .init(time: $0) }, rules: .init(counts: rules, within: within),
      now: seconds.last ?? 0, localTime: localTime
    ).verdicts
    return Dictionary(
      uniqueKeysWithValues: zip(times, verdicts).compactMap { time, verdict in
        guard case .keep(let cause) = verdict else { return nil }
        guard case .rule(let rule) = cause else { return (time, "\(cause)") }
        return (time, rule.rawValue)
      })
  }

  /// Three hours of a morning, with several points in some.
  private let morning = [
    "2021-03-08T07:10:00", "2021-03-08T08:20:00", "2021-03-08T08:40:00", "2021-03-08T09:05:00",
    "2021-03-08T09:25:00", "2021-03-08T09:50:00",
  ]

  /// A year back, weeks and days around the end of a month; the last week begins on Monday, June 2.
  private let spring = [
    "2024-05-10", "2025-05-10", "2025-05-16", "2025-05-20", "2025-05-28", "2025-06-01",
    "2025-06-02", "2025-06-03", "2025-06-05",
  ].map { "\($0)T02:00:00" }

  /// Three days, the last one with two points.
  private let days = [
    "2025-06-02T02:00:00", "2025-06-03T02:00:00", "2025-06-04T02:00:00", "2025-06-04T03:00:00",
  ]

  @Test func `the newest of an hour counts`() throws {
    #expect(
      try kept(morning, [.hourly: 3])
        == [morning[0]: "hourly", morning[2]: "hourly", morning[5]: "hourly"])
    #expect(try kept(morning, [.hourly: 2]) == [morning[2]: "hourly", morning[5]: "hourly"])
  }

  @Test(arguments: [4, 3, 2, 1]) func `the last are kept`(count: Int) throws {
    #expect(try Set(kept(days, [.last: count]).keys) == Set(days.suffix(count)))
  }

  @Test func `a rule reaches further back than those before it`() throws {
    #expect(try kept(spring, [.daily: 1]) == [spring[8]: "daily"])
    #expect(try kept(spring, [.last: 1, .daily: 1]) == [spring[8]: "last", spring[7]: "daily"])
    #expect(
      try kept(spring, [.daily: 1, .weekly: 1]) == [spring[8]: "daily", spring[5]: "weekly"])
    // A month does not take a point that a week has given up.
    #expect(
      try kept(spring, [.daily: 1, .weekly: 1, .monthly: 1])
        == [spring[8]: "daily", spring[5]: "weekly", spring[3]: "monthly"])
    #expect(
      try kept(spring, [.monthly: 1, .yearly: 1]) == [spring[8]: "monthly", spring[0]: "yearly"])
  }

  @Test func `what a rule keeps covers its periods for the next`() throws {
    #expect(try kept(days, [.last: 2, .daily: 2]).count == 4)
    #expect(try Set(kept(days, [.daily: 3]).keys) == Set(days).subtracting([days[2]]))
    #expect(try Set(kept(days, [.daily: 2]).keys) == [days[1], days[3]])
    #expect(try kept(days, [.weekly: 5]) == [days[3]: "weekly"])
    #expect(try kept(days, [.daily: 1, .weekly: 5]) == [days[3]: "daily"])
    #expect(try kept(days, [.monthly: 6]) == [days[3]: "monthly"])
    #expect(try kept(days, [.yearly: 7]) == [days[3]: "yearly"])
    #expect(try kept(days, [.weekly: 5, .monthly: 6, .yearly: 7]) == [days[3]: "weekly"])
  }

  /// The example of the manual of Proxmox VE: ten years and longer of daily backups.
  @Test func `daily backups of years are thinned out as its manual says`() throws {
    let newest = try Moment.seconds("2026-11-30T02:00:00")
    let times = (0..<11 * 366).reversed().map { newest - $0 * 86400 }
    let verdicts = Retention(
      times.map { .init(time: $0) },
      rules: .init(counts: [.last: 3, .daily: 13, .weekly: 8, .monthly: 11, .yearly: 9]),
      now: newest, localTime: .utc
    ).verdicts
    for (rule, count) in [
      (RetentionRules.Rule.last, 3), (.daily, 13), (.weekly, 8), (.monthly, 11), (.yearly, 9),
    ] {
      #expect(verdicts.filter { $0 == .keep(.rule(rule)) }.count == count)
    }
    // At least two weeks of days: three of them are the last.
    #expect(verdicts.suffix(16).allSatisfy { $0.keeps })
    #expect(verdicts.filter(\.keeps).count == 44)
  }

  @Test func `a leap day is a day of its month`() throws {
    let times = ["2024-02-28T01:00:00", "2024-02-29T01:00:00", "2024-03-01T01:00:00"]
    #expect(try kept(times, [.daily: 3]).count == 3)
    #expect(try kept(times, [.monthly: 2]) == [times[2]: "monthly", times[1]: "monthly"])
    #expect(try kept(["2023-02-28T23:59:59", "2023-03-01T00:00:00"], [.daily: 2]).count == 2)
  }

  @Test func `a week is whole over the end of a year`() throws {
    // Week 53 of 2020 goes from December 28 to January 3.
    let times = [
      "2020-12-27T23:59:59", "2020-12-28T00:00:00", "2020-12-31T12:00:00", "2021-01-01T12:00:00",
      "2021-01-03T23:59:59", "2021-01-04T00:00:00",
    ]
    #expect(
      try kept(times, [.weekly: 9])
        == [times[0]: "weekly", times[4]: "weekly", times[5]: "weekly"])
    #expect(
      try kept(times, [.yearly: 9]) == [times[2]: "yearly", times[5]: "yearly"])
  }

  @Test func `days are those of people who set their clocks`() throws {
    // In Berlin clocks went back from 3:00 to 2:00 on October 25, 2026, at 1:00 UTC.
    let change = try Moment.seconds("2026-10-25T01:00:00")
    let berlin = LocalTime { $0 < change ? 7200 : 3600 }
    let hours = ["2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T02:30:00"]
    // Both are half past two.
    #expect(
      try kept(hours, [.hourly: 3], localTime: berlin)
        == [hours[1]: "hourly", hours[2]: "hourly"])
    #expect(try kept(hours, [.hourly: 3]).count == 3)
    // The day has 25 hours, from 22:00 to 23:00 UTC.
    let day = [
      "2026-10-24T21:59:59", "2026-10-24T22:00:00", "2026-10-25T22:59:59", "2026-10-25T23:00:00",
    ]
    #expect(
      try kept(day, [.daily: 9], localTime: berlin)
        == [day[0]: "daily", day[2]: "daily", day[3]: "daily"])
    #expect(try kept(day, [.daily: 9]) == [day[1]: "daily", day[3]: "daily"])
  }

  @Test func `two points of one second are two points`() throws {
    let second = try Moment.seconds("2026-11-30T02:00:00")
    let points = [second - 1, second, second].map { Retention.Candidate(time: $0) }
    func verdicts(_ rule: RetentionRules.Rule, _ count: Int) -> [Bool] {
      Retention(points, rules: .init(counts: [rule: count]), now: second, localTime: .utc)
        .verdicts.map(\.keeps)
    }
    #expect(verdicts(.last, 2) == [false, true, true])
    // The order is that of the points, not of their times.
    #expect(verdicts(.daily, 2) == [false, false, true])
  }

  @Test func `gaps are no periods`() throws {
    let times = ["2019-01-05T00:00:00", "2021-07-01T00:00:00", "2026-11-29T00:00:00"]
    #expect(try kept(times, [.daily: 3]).count == 3)
    #expect(try kept(times, [.yearly: 2]).count == 2)
  }

  @Test func `what is young enough is kept, and covers its periods`() throws {
    #expect(
      try kept(days, [:], within: 86400)
        == [days[2]: "within", days[3]: "within"])
    #expect(
      try kept(days, [.daily: 1], within: 3601)
        == [days[1]: "daily", days[2]: "within", days[3]: "within"])
    // Whatever the clock says by now, something is left.
    let verdicts = Retention(
      [.init(time: 5), .init(time: 6)], rules: .init(within: 1), now: 1 << 40, localTime: .utc
    ).verdicts
    #expect(verdicts == [.remove, .keep(.newest)])
  }

  @Test func `what is protected is kept and does not count`() throws {
    let points = try days.map { Retention.Candidate(time: try Moment.seconds($0)) }
    var protected = points
    protected[3].isProtected = true
    let rules = RetentionRules(counts: [.daily: 2])
    #expect(
      Retention(protected, rules: rules, now: 0, localTime: .utc).verdicts
        == [.remove, .keep(.rule(.daily)), .keep(.rule(.daily)), .keep(.protected)])
  }

  @Test func `what is in use is kept for now, and counts like all others`() throws {
    var points = try days.map { Retention.Candidate(time: try Moment.seconds($0)) }
    points[0].isInUse = true
    points[3].isInUse = true
    let rules = RetentionRules(counts: [.daily: 1])
    #expect(
      Retention(points, rules: rules, now: 0, localTime: .utc).verdicts
        == [.keep(.inUse), .remove, .remove, .keep(.rule(.daily))])
  }

  @Test func `what cannot be restored is left to the user, and is never the newest`() throws {
    var points = try days.map { Retention.Candidate(time: try Moment.seconds($0)) }
    points[3].isComplete = false
    #expect(
      Retention(points, rules: .init(within: 1), now: 1 << 40, localTime: .utc).verdicts
        == [.remove, .remove, .keep(.newest), .keep(.incomplete)])
    #expect(
      Retention(points, rules: .init(counts: [.last: 1]), now: 0, localTime: .utc).verdicts
        == [.remove, .remove, .keep(.rule(.last)), .keep(.incomplete)])
  }

  @Test func `no points are no trouble`() {
    let rules = RetentionRules(counts: [.last: 1])
    #expect(Retention([], rules: rules, now: 0, localTime: .utc).verdicts == [])
    #expect(RetentionRules().isEmpty && RetentionRules(counts: [.daily: 0]).isEmpty)
    #expect(!rules.isEmpty && !RetentionRules(within: 1).isEmpty)
  }
}
