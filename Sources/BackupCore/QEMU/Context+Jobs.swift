// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// How the jobs of an operation stand.
package enum JobsState: Equatable {
  /// At least one still works.
  case running
  /// All copied what they had to.
  case ready
  /// At least one failed; the text is QEMU's.
  case failed(disk: String, error: String)
  /// Not all of them are there.
  case missing
}

extension Context {
  /// How the jobs of an operation stand.
  package func state(of jobs: [JobInfo], disks: [String], operation: String) -> JobsState {
    var isReady = true
    for (number, disk) in disks.enumerated() {
      let id = NodeNames(operation: operation, disk: number).job
      guard let job = jobs.first(where: { $0.id == id }) else { return .missing }
      if let error = job.error { return .failed(disk: disk, error: error) }
      if !["pending", "concluded"].contains(job.status) { isReady = false }
    }
    return isReady ? .ready : .running
  }

  /// Waits until all jobs of an operation have copied what they had to.
  ///
  /// - Parameters:
  ///   - pending: The operation.
  ///   - disks: The disks that have jobs, where these are not all.
  ///   - guest: The domain whose QEMU copies.
  ///   - deadline: When to give up; nil for never.
  /// - Throws: ``BackupError``: `failed` when a job failed or QEMU ended, `interrupted`, `timedOut`.
  package func wait(
    for pending: Catalog.Pending, disks: [String]? = nil, in guest: any Guest,
    deadline: ContinuousClock.Instant?
  ) throws {
    let disks = disks ?? pending.partial.diskNames
    var told: Set<String> = []
    try telling(.guestEnded, ifEnded: guest) {
      while try !areReady(pending, disks: disks, in: guest, told: &told) {
        try stopIfInterrupted()
        if let deadline, ContinuousClock.now >= deadline {
          throw BackupError.timedOut
        }
        _ = try guest.monitor.nextEvent(timeoutMilliseconds: 500)
      }
    }
  }

  private func areReady(
    _ pending: Catalog.Pending, disks: [String], in guest: any Guest, told: inout Set<String>
  ) throws -> Bool {
    let partial = pending.partial
    let jobs = try self.jobs(of: partial, in: guest.monitor)
    observer.progress(progress(of: jobs, disks: disks, operation: partial.uuid))
    switch state(of: jobs, disks: disks, operation: partial.uuid) {
    case .ready:
      return true
    case .failed(let disk, let error):
      throw BackupError(.failed, failureText(disk: disk, error: error, of: partial))
    case .missing:
      throw BackupError.guestEnded
    case .running:
      try endMirrors(among: jobs, in: guest.monitor, told: &told)
      return false
    }
  }

  /// Ends mirrors that have copied everything: their sources do not change any more.
  ///
  /// - Parameters:
  ///   - jobs: The jobs of an operation.
  ///   - monitor: QEMU's.
  ///   - told: Those that were told before: one that is told again when it has just ended is
  ///     cancelled, and its copy counts for nothing.
  /// - Throws: `QMPError` or what libvirt throws.
  package func endMirrors(
    among jobs: [JobInfo], in monitor: any Monitor, told: inout Set<String>
  ) throws {
    for job in jobs where job.type == "mirror" && job.status == "ready" {
      guard told.insert(job.id).inserted else { continue }
      try monitor.execute(.endMirror(job.id))
    }
  }

  /// How far each disk is.
  package func progress(
    of jobs: [JobInfo], disks: [String], operation: String
  ) -> [DiskProgress] {
    disks.enumerated().compactMap { number, disk in
      let id = NodeNames(operation: operation, disk: number).job
      return jobs.first { $0.id == id }.map {
        DiskProgress(disk: disk, done: $0.currentProgress, total: $0.totalProgress)
      }
    }
  }

  /// Cancels jobs that still work, waits for their end.
  ///
  /// - Throws: ``BackupError`` with code `busy` when they do not end: a write to storage that hangs
  ///   cannot be taken back.
  package func cancelJobs(of partial: Partial, in guest: any Guest) throws {
    let start = ContinuousClock.now
    while true {
      let working = try jobs(of: partial, in: guest.monitor).filter { $0.status != "concluded" }
      if working.isEmpty { return }
      let isMaking = working.contains { $0.type == "create" }
      let limit = isMaking ? Context.createLimit : Context.cancelLimit
      for job in working where job.status != "aborting" {
        do {
          try guest.monitor.execute(.jobCancel(job.id))
        } catch is QMPError {
          // It ended in between; the next look shows how.
          continue
        }
      }
      guard ContinuousClock.now - start < .seconds(limit) else {
        throw BackupError(
          .busy, "the copies do not end: pool '\(repository.name)' does not answer")
      }
      _ = try guest.monitor.nextEvent(timeoutMilliseconds: 200)
    }
  }

  /// Ends jobs that are `pending` for good and waits until they are `concluded`.
  package func finalizeJobs(of partial: Partial, in guest: any Guest) throws {
    while true {
      let open = try jobs(of: partial, in: guest.monitor).filter { $0.status != "concluded" }
      if open.isEmpty { return }
      for job in open where job.status == "pending" {
        do {
          try guest.monitor.execute(.jobFinalize(job.id))
        } catch is QMPError {
          // Another client was faster.
          continue
        }
      }
      if try jobs(of: partial, in: guest.monitor).allSatisfy({ $0.status == "concluded" }) {
        return
      }
      _ = try guest.monitor.nextEvent(timeoutMilliseconds: 200)
    }
  }
}
