// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The time that people at some place live by.
package struct LocalTime: Sendable {
  /// Returns the seconds that local time is ahead of UTC at a moment, which is in seconds since
  /// 1970-01-01T00:00:00Z.
  package var offset: @Sendable (Int64) -> Int64

  /// Makes the time of a place.
  package init(offset: @escaping @Sendable (Int64) -> Int64) { self.offset = offset }

  /// UTC.
  package static let utc = LocalTime { _ in 0 }
}

/// The periods of local time that a moment is in, each a number that no other period of its kind has.
///
/// An hour that comes twice, as clocks are set back, is one period, as it is to people.
struct LocalPeriods: Equatable {
  let hour: Int64
  let day: Int64
  let week: Int64
  let month: Int64
  let year: Int64

  /// Finds the periods of a moment, which is in seconds since 1970-01-01T00:00:00Z.
  init(of moment: Int64, _ time: LocalTime) {
    // The time that clocks there show, counted as if it were UTC.
    let shown = moment + time.offset(moment)
    hour = Self.quotient(shown, 3600)
    day = Self.quotient(shown, 86400)
    // 1970 began on a Thursday, and weeks begin on Monday.
    week = Self.quotient(day + 3, 7)
    let date = UTCTime(secondsSince1970: shown)
    month = date.year * 12 + date.month
    year = date.year
  }

  /// Divides and rounds down, also below zero.
  private static func quotient(_ number: Int64, _ divisor: Int64) -> Int64 {
    let quotient = number / divisor
    return number % divisor < 0 ? quotient - 1 : quotient
  }
}
