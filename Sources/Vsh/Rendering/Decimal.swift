// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

private import Glibc

/// Numbers with a fixed count of decimals, rounded as C rounds them.
enum Decimal {
  /// A number with that many decimals.
  static func text(_ value: Double, decimals: Int) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      let length = withVaList([CInt(decimals), value]) { arguments in
        vsnprintf(buffer.baseAddress, buffer.count, "%.*f", arguments)
      }
      let count = min(max(Int(length), 0), buffer.count - 1)
      return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }
}
