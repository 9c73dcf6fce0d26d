// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// Times of tests.
enum Moment {
  /// Seconds since 1970-01-01T00:00:00Z of a UTC time, `2026-11-30T02:00:00`.
  static func seconds(_ text: String) throws -> Int64 {
    let numbers = text.split { !$0.isNumber }.compactMap { Int32($0) }
    try #require(numbers.count == 6)
    var fields = tm()
    fields.tm_year = numbers[0] - 1900
    fields.tm_mon = numbers[1] - 1
    fields.tm_mday = numbers[2]
    fields.tm_hour = numbers[3]
    fields.tm_min = numbers[4]
    fields.tm_sec = numbers[5]
    return Int64(timegm(&fields))
  }
}
