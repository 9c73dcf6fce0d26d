// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Engine {
  /// Limits the copies that run for a domain, whoever started them.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - bandwidth: Bytes per second that the copies of an operation together may take; nil for no
  ///     limit.
  /// - Throws: ``BackupError`` when no copy runs.
  package func setSpeed(domainUUID: String, bandwidth: UInt64?) throws {
    try settle(domainUUID: domainUUID, endsLostSessions: false)
    var isSet = false
    for pending in try catalog().pending(concerning: domainUUID)
    where try context.isHere(pending.partial) && pending.partial.session == nil {
      guard let guest = try context.guest(of: pending.partial) else { continue }
      let isFound: Bool
      if let live = pending.partial.liveRestore {
        let speed = JobSpeed.each(of: 1, within: bandwidth)
        isFound = try LiveRestore(context).setSpeed(of: live, to: speed, in: guest)
        // The disks that come next have it too.
        if isFound { try LiveRestore(context).mark(pending, .pulling(speed: speed)) }
      } else {
        isFound = try setSpeed(of: pending.partial, bandwidth: bandwidth, in: guest)
      }
      if isFound { isSet = true }
    }
    guard isSet else {
      throw BackupError(
        .invalid, "Requested operation is not valid: no job is active on the domain")
    }
  }

  private func setSpeed(
    of partial: Partial, bandwidth: UInt64?, in guest: any Guest
  ) throws -> Bool {
    let jobs = try context.jobs(of: partial, in: guest.monitor)
    let speed = JobSpeed.each(of: jobs.count, within: bandwidth)
    return try jobs.reduce(false) { isSet, job in
      do {
        try guest.monitor.execute(.blockJobSetSpeed(job.id, speed: speed))
        return true
      } catch is QMPError {
        // One that has copied everything takes no speed any more.
        return isSet
      }
    }
  }
}
