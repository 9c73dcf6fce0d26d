// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A time of day in UTC, for names and documents.
package struct UTCTime: Sendable, Equatable {
  /// The year.
  package let year: Int64
  /// The month, from 1 to 12.
  package let month: Int64
  private let day: Int64
  private let secondOfDay: Int64

  /// Converts a Unix time.
  package init(secondsSince1970 seconds: Int64) {
    let days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400)
    secondOfDay = seconds - days * 86400
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// The time as in the name of a backup, `20261122T205806Z`.
  package var compact: String {
    "\(pad(year, 4))\(pad(month, 2))\(pad(day, 2))T"
      + "\(pad(secondOfDay / 3600, 2))\(pad(secondOfDay / 60 % 60, 2))\(pad(secondOfDay % 60, 2))Z"
  }

  /// The time as in a JSON document, `2026-11-22T20:58:06Z`.
  package var rfc3339: String {
    "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(secondOfDay / 3600, 2)):"
      + "\(pad(secondOfDay / 60 % 60, 2)):\(pad(secondOfDay % 60, 2))Z"
  }

  private func pad(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
