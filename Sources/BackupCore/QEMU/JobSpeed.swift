// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How fast a job may be.
package enum JobSpeed {
  /// The share of one of several jobs.
  ///
  /// - Parameters:
  ///   - count: How many jobs there are.
  ///   - bandwidth: Bytes per second of all of them; nil for no limit.
  /// - Returns: Bytes per second as QEMU takes them: 0 for no limit.
  package static func each(of count: Int, within bandwidth: UInt64?) -> Int64 {
    bandwidth.map { max(1, Int64(clamping: $0 / UInt64(max(1, count)))) } ?? 0
  }
}
