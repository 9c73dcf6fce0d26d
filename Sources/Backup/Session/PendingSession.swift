// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// An NBD session that is under way: it is served, or its client is at its begin or its end.
struct PendingSession: PendingOperation {
  let context: Context
  let pending: Catalog.Pending
  /// The disks that it serves.
  let plan: Partial.Session

  private var session: Session { Session(context) }

  func settle(endsLost: Bool) throws -> Settlement {
    try session.settleSession(pending, plan, endsLost: endsLost)
  }

  func abort(settled: Settlement?) throws -> Bool {
    try session.endSession(pending, keepsBitmap: false) == false
  }

  func giveUp() throws {
    try takeOut()
    try forgetGivenUp()
  }

  func forgetGone() throws { try forgetWithHost() }

  func report(settled: Settlement?) throws -> JobReport {
    let guest = try context.guest(of: partial)
    var report = JobReport(of: partial, settled: settled)
    report.session = try session.report(of: partial, plan, guest: guest)
    report.damage = try guest.flatMap { try session.damage(of: partial, in: $0) }
    if report.damage != nil { report.state = "failed" }
    return report
  }

  /// Says no: its jobs save what the guest overwrites, and must keep up with it.
  func setSpeed(bandwidth: UInt64?) throws -> Bool { false }
}
