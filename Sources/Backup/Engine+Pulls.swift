// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// How the disk of a live restore stands.
enum PullState: Equatable {
  /// Nothing of it is in the pool any more.
  case free
  /// Its data moves.
  case pulling(DiskProgress)
  /// It stands on the pool, and nothing changes that.
  case layered
  /// The domain has another image there.
  case replaced
}

extension Engine {
  /// Seconds that libvirt may take to see the end of a pull.
  static let pullLimit: Int64 = 5

  /// How the disks of a live restore stand, in their order.
  func pullStates(_ live: Partial.LiveRestore, in guest: any Guest) throws -> [PullState] {
    // The jobs first: libvirt takes note of a chain's end before it forgets its job.
    let jobs = try live.disks.map { try guest.blockJob(of: $0.name) }
    let definition = try DomainDefinition(parsing: try guest.definition())
    return zip(live.disks, jobs).map { disk, job in
      if let job { return .pulling(job) }
      let chain = definition.disks.first { $0.target == disk.name }?.chain ?? []
      let volumes = disk.backing.map { DomainDefinition.Source.file(repository.path(of: $0)) }
      guard chain.contains(where: { volumes.contains($0.source) }) else { return .free }
      return chain.first?.source == .file(disk.path) ? .layered : .replaced
    }
  }

  /// Starts what does not move.
  ///
  /// - Throws: ``BackupError`` where a disk has got another image; what libvirt throws.
  func pull(_ live: Partial.LiveRestore, bandwidth: UInt64?, in guest: any Guest) throws {
    for (disk, state) in zip(live.disks, try pullStates(live, in: guest)) {
      switch state {
      case .free, .pulling: continue
      case .layered:
        try guest.pull(
          disk.name, speed: JobSpeed.each(of: live.disks.count, within: bandwidth))
      case .replaced:
        throw BackupError(
          .invalid,
          "Requested operation is not valid: disk '\(disk.name)' has another image than "
            + "'\(disk.path)', which still stands on the backup; commit the snapshot first")
      }
    }
  }

  /// Waits until nothing stands on the pool any more.
  ///
  /// - Throws: ``BackupError``: `failed` when the domain or a pull ended, `interrupted`, `timedOut`.
  func awaitPulls(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, deadline: ContinuousClock.Instant?
  ) throws {
    let partial = pending.partial
    var totals: [String: UInt64] = [:]
    var idleSince: ContinuousClock.Instant?
    while true {
      guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else {
        throw BackupError.ended(partial)
      }
      let states: [PullState]
      do {
        states = try pullStates(live, in: guest)
      } catch {
        guard try hypervisor.guest(uuid: partial.domainUUID) == nil else { throw error }
        throw BackupError.ended(partial)
      }
      observer.progress(
        zip(live.disks, states).compactMap { disk, state in
          if case .pulling(let progress) = state {
            totals[disk.name] = progress.total
            return progress
          }
          return totals[disk.name].map {
            .init(disk: disk.name, done: state == .free ? $0 : 0, total: $0)
          }
        })
      if states.allSatisfy({ $0 == .free }) { return }
      if observer.isInterrupted {
        try stopPulls(pending, live, in: guest)
        throw BackupError.stopped(partial, .interrupted, "interrupted")
      }
      if let deadline, ContinuousClock.now >= deadline {
        try stopPulls(pending, live, in: guest)
        throw BackupError.stopped(partial, .timedOut, "timed out")
      }
      if states.contains(.layered) || states.contains(.replaced) {
        let since = idleSince ?? .now
        idleSince = since
        if try !isPulling(pending) {
          throw BackupError.stopped(partial, .failed, "cancelled by another client")
        }
        if .now - since > .seconds(Engine.pullLimit) {
          throw BackupError.stopped(partial, .failed, "the data moves no more (see the domain's log)")
        }
      } else {
        idleSince = nil
      }
      try guest.awaitBlockJob(timeoutMilliseconds: 500)
    }
  }

  /// Stops the pulls until the restore is called again; the domain stands on the pool.
  func stopPulls(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, in guest: any Guest
  ) throws {
    try mark(pending, isPulling: false)
    for disk in live.disks where try guest.blockJob(of: disk.name) != nil {
      try guest.abortBlockJob(of: disk.name)
    }
  }
}

extension BackupError {
  /// The domain of a live restore was shut off before its data was whole.
  static func ended(_ partial: Partial) -> BackupError {
    BackupError(
      .failed,
      "domain '\(partial.domainName)' is shut off and still stands on backup "
        + "'\(partial.pointName)'; backup-restore --live starts it and goes on")
  }

  /// A live restore does not go on.
  static func stopped(_ partial: Partial, _ code: Code, _ why: String) -> BackupError {
    BackupError(
      code,
      "\(why): domain '\(partial.domainName)' still stands on backup '\(partial.pointName)'; "
        + "backup-restore --live goes on")
  }
}
