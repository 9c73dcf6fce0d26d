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

extension JobsState {
  /// Tells how the jobs of an operation stand.
  ///
  /// - Parameters:
  ///   - jobs: The jobs of the operation that there are.
  ///   - disks: The names of what is copied, in the order of the copies.
  ///   - operation: UUID of the operation.
  package init(of jobs: [JobInfo], disks: [String], operation: String) {
    self = .ready
    for (number, disk) in disks.enumerated() {
      let id = NodeNames(operation: operation, disk: number).job
      guard let job = jobs.first(where: { $0.id == id }) else {
        self = .missing
        return
      }
      if let error = job.error {
        self = .failed(disk: disk, error: error)
        return
      }
      if !["pending", "concluded"].contains(job.status) { self = .running }
    }
  }
}

extension DiskProgress {
  /// Tells how far each disk is whose job is there; the parameters are those of
  /// ``JobsState/init(of:disks:operation:)``.
  package static func each(
    of jobs: [JobInfo], disks: [String], operation: String
  ) -> [DiskProgress] {
    disks.enumerated().compactMap { number, disk in
      let id = NodeNames(operation: operation, disk: number).job
      return jobs.first { $0.id == id }.map {
        DiskProgress(disk: disk, done: $0.currentProgress, total: $0.totalProgress)
      }
    }
  }
}

extension Context {
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
        try observer.stopIfInterrupted()
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
    let jobs = try guest.monitor.jobs(of: partial)
    observer.progress(DiskProgress.each(of: jobs, disks: disks, operation: partial.uuid))
    switch JobsState(of: jobs, disks: disks, operation: partial.uuid) {
    case .ready:
      return true
    case .failed(let disk, let error):
      throw BackupError(.failed, failureText(disk: disk, error: error, of: partial))
    case .missing:
      throw BackupError.guestEnded
    case .running:
      try guest.monitor.endMirrors(among: jobs, told: &told)
      return false
    }
  }

  /// Cancels jobs that still work, waits for their end.
  ///
  /// - Throws: ``BackupError`` with code `busy` when they do not end: a write to storage that hangs
  ///   cannot be taken back.
  package func cancelJobs(of partial: Partial, in guest: any Guest) throws {
    let start = ContinuousClock.now
    while true {
      let working = try guest.monitor.jobs(of: partial).filter { $0.status != "concluded" }
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

  /// Why a copy failed, in the user's words.
  package func failureText(disk: String, error: String, of partial: Partial) -> String {
    "copying disk '\(disk)' failed: \(error)\(fullness(of: disk, partial))"
  }

  /// Says that what a disk is written to is full; empty where it is not.
  ///
  /// libvirt knows what was free when it looked last, so it looks again.
  package func fullness(of disk: String, _ partial: Partial) -> String {
    let directory = partial.target(of: disk).map { Paths.split($0).directory }
    guard let files = try? directory.map(hypervisor.repository(directory:)) ?? repository,
      (try? files.refresh()) != nil, let left = try? files.available(), left < Context.fullLimit
    else { return "" }
    return directory.map { " ('\($0)' is full)" } ?? " (pool '\(repository.name)' is full)"
  }

  /// Bytes below which a file system is called full.
  private static let fullLimit: UInt64 = 1 << 20
}
