// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A live restore that is under way: its domain stands on the pool.
struct PendingLiveRestore: PendingOperation {
  let context: Context
  let pending: Catalog.Pending
  /// The images that it made, and the domain that runs on them.
  let live: Partial.LiveRestore

  private var restore: LiveRestore { LiveRestore(context) }

  func settle(endsLost: Bool) throws -> Settlement { try restore.settleLive(pending, live) }

  /// Stops its data; one that cannot be settled is given up.
  func abort(settled: Settlement?) throws -> Bool {
    guard settled == .failed else { return try restore.abortLive(pending, live) }
    try giveUp(because: nil)
    return true
  }

  func giveUp() throws {
    observer.notice(
      "what it made is left where it is: \(live.disks.map(\.path).joined(separator: ", "))")
    try forgetGivenUp()
  }

  func forgetGone() throws {
    tellLeft(live.disks.map(\.path))
    try forgetWithHost()
  }

  func report(settled: Settlement?) throws -> JobReport {
    let guest = try context.guest(of: partial)
    return JobReport(
      of: partial, state: try restore.liveState(of: pending),
      disks: try guest.map { try restore.liveProgress(of: live, in: $0) } ?? [])
  }

  func setSpeed(bandwidth: UInt64?) throws -> Bool {
    guard let guest = try context.guest(of: partial) else { return false }
    let speed = JobSpeed.each(of: 1, within: bandwidth)
    let isFound = try restore.setSpeed(of: live, to: speed, in: guest)
    // The disks that come next have it too.
    if isFound { try restore.mark(pending, .pulling(speed: speed)) }
    return isFound
  }
}
