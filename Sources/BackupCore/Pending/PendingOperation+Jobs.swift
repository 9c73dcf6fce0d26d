// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// An operation whose block jobs have its own names tells by these how far it is.
extension PendingOperation {
  /// Tells how far each disk is, as the jobs say.
  package func report(settled: Settlement?) throws -> JobReport {
    var report = JobReport(of: partial, settled: settled)
    guard let guest = try context.guest(of: partial) else { return report }
    report.disks =
      try context.unlessEnded(partial) {
        DiskProgress.each(
          of: try guest.monitor.jobs(of: partial), disks: partial.diskNames,
          operation: partial.uuid)
      } ?? []
    return report
  }

  /// Limits each job, by its part of the bandwidth (QMP `block-job-set-speed`).
  package func setSpeed(bandwidth: UInt64?) throws -> Bool {
    guard let guest = try context.guest(of: partial) else { return false }
    let jobs = try guest.monitor.jobs(of: partial)
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
