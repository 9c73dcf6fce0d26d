// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

/// Times as a user reads them.
package enum Timestamp {
  /// A time in the local zone: `2026-11-22 20:18:07 +0000`.
  ///
  /// - Parameter seconds: Seconds since 1970-01-01T00:00:00Z.
  /// - Returns: The text.
  package static func local(seconds: Int64) -> String {
    local(seconds: seconds, format: "%Y-%m-%d %H:%M:%S %z")
  }

  /// Returns the seconds that the local zone is ahead of UTC at a time, which is in seconds since
  /// 1970-01-01T00:00:00Z.
  package static func offset(seconds: Int64) -> Int64 {
    var seconds = time_t(seconds)
    var fields = tm()
    localtime_r(&seconds, &fields)
    return Int64(fields.tm_gmtoff)
  }

  /// A time in the local zone in a format of `strftime`.
  static func local(seconds: Int64, format: String) -> String {
    var seconds = time_t(seconds)
    var fields = tm()
    localtime_r(&seconds, &fields)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      let length = strftime(buffer.baseAddress, buffer.count, format, &fields)
      return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }
}
