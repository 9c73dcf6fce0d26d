// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// How often a test repeats what chance decides.
package enum Rounds {
  /// Returns how many rounds a test runs.
  ///
  /// - Parameter few: The rounds of `make check`, which has half an hour for everything.
  /// - Returns: What `VIRSH_BACKUP_ROUNDS` says, as `make check-long` sets it; else `few`.
  package static func count(_ few: Int) -> Int {
    ProcessInfo.processInfo.environment["VIRSH_BACKUP_ROUNDS"].flatMap { Int($0) } ?? few
  }

  /// Returns a seed for each round of a test.
  ///
  /// - Parameter few: The rounds of `make check`, whose seeds are the same each time.
  /// - Returns: These seeds, and others each time for the rounds beyond them; where
  ///   `VIRSH_BACKUP_SEED` repeats a round that failed, its seed alone.
  package static func seeds(_ few: Int) -> [UInt64] {
    if let seed = ProcessInfo.processInfo.environment["VIRSH_BACKUP_SEED"].flatMap({ UInt64($0) }) {
      return [seed]
    }
    return (0..<count(few)).map { $0 < few ? UInt64($0) * 31 + 7 : .random(in: 0...0xffff_ffff) }
  }
}
