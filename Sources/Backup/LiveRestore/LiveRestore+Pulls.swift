// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// How the disk of a live restore stands.
enum PullState: Equatable {
  /// Nothing of it is in the pool any more.
  case free
  /// Its data moves.
  case pulling(DiskProgress)
  /// It stands on the pool, and nothing changes that.
  case layered
  /// The domain has another image there, or none for the moment.
  case replaced

  /// Whether its data moves.
  var isPulling: Bool {
    if case .pulling = self { true } else { false }
  }
}

extension LiveRestore {
  /// Seconds that libvirt may take to see the end of a pull.
  static let pullLimit: Int64 = 5

  /// How the disks of a live restore stand, in their order.
  func pullStates(_ live: Partial.LiveRestore, in guest: any Guest) throws -> [PullState] {
    // The jobs first: libvirt takes note of a chain's end before it forgets its job.
    let jobs = try live.disks.map { try guest.blockJob(of: $0.name) }
    let definition = try DomainDefinition(parsing: try guest.definition())
    return try zip(live.disks, jobs).map { disk, job in
      if let job { return .pulling(job) }
      guard let chain = definition.disks.first(where: { $0.target == disk.name })?.chain else {
        return try isKept(disk.name, by: guest) ? .replaced : .free
      }
      let volumes = disk.backing.map { DomainDefinition.Source.file(repository.path(of: $0)) }
      guard chain.contains(where: { volumes.contains($0.source) }) else { return .free }
      return chain.first?.source == .file(disk.path) ? .layered : .replaced
    }
  }

  /// Whether a disk that was unplugged comes back with the next start.
  private func isKept(_ disk: String, by guest: any Guest) throws -> Bool {
    guard let text = try guest.inactiveDefinition() else { return false }
    return try DomainDefinition(parsing: text).disks.contains { $0.target == disk }
  }

  /// Has the data of the next disk move, unless that of one does.
  ///
  /// One after the other: QEMU 7.2 crashes, now and then, where two pulls end at one moment.
  ///
  /// - Throws: ``BackupError`` where a disk has got another image; what libvirt throws.
  func pullNext(
    _ live: Partial.LiveRestore, speed: Int64, in guest: any Guest
  ) throws {
    let states = try pullStates(live, in: guest)
    guard !states.contains(where: \.isPulling),
      let next = states.firstIndex(where: { $0 != .free })
    else { return }
    let disk = live.disks[next]
    guard states[next] == .layered else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: disk '\(disk.name)' has another image than "
          + "'\(disk.path)', which still stands on the backup: blockcommit its snapshots with that "
          + "file as --base, or plug it in")
    }
    try guest.pull(disk.name, speed: speed)
  }

  /// Waits until nothing stands on the pool any more.
  ///
  /// - Throws: ``BackupError``: `failed` when the domain or a pull ended, `interrupted`, `timedOut`.
  func awaitPulls(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore,
    deadline: ContinuousClock.Instant?
  ) throws {
    let capacities = try capacities(of: live)
    var begun: Set<String> = []
    var idleSince: ContinuousClock.Instant?
    while true {
      let guest = try runningGuest(of: pending.partial)
      let isWhole = try context.telling(.ended(pending.partial), ifEnded: guest) {
        let states = try pullStates(live, in: guest)
        observer.progress(progress(of: live, states, capacities: capacities))
        guard let next = states.firstIndex(where: { $0 != .free }) else { return true }
        try stopIfAsked(pending, live, in: guest, deadline: deadline)
        if let moving = states.firstIndex(where: \.isPulling) {
          begun.insert(live.disks[moving].name)
          idleSince = nil
        } else if begun.insert(live.disks[next].name).inserted {
          if case .pulling(let speed) = try mark(of: pending) {
            try pullNext(live, speed: speed, in: guest)
          }
          return false
        } else {
          // The pull ended: well, which libvirt takes note of in a moment, or not.
          let since = idleSince ?? .now
          idleSince = since
          guard try mark(of: pending) != .stopped else {
            throw BackupError.stopped(pending.partial, .failed, "cancelled by another client")
          }
          guard .now - since < .seconds(Self.pullLimit) else {
            throw BackupError.stopped(pending.partial, .failed, "the data moves no more")
          }
        }
        try guest.awaitBlockJob(timeoutMilliseconds: 500)
        return false
      }
      if isWhole { return }
    }
  }

  private func runningGuest(of partial: Partial) throws -> any Guest {
    guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else {
      throw BackupError.ended(partial)
    }
    return guest
  }

  private func stopIfAsked(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, in guest: any Guest,
    deadline: ContinuousClock.Instant?
  ) throws {
    if observer.isInterrupted {
      try stopPulls(pending, live, in: guest)
      throw BackupError.stopped(pending.partial, .interrupted, "interrupted")
    }
    if let deadline, ContinuousClock.now >= deadline {
      try stopPulls(pending, live, in: guest)
      throw BackupError.stopped(pending.partial, .timedOut, "timed out")
    }
  }

  // MARK: - How far it is

  /// The capacities of the disks of a live restore, by target name.
  private func capacities(of live: Partial.LiveRestore) throws -> [String: UInt64] {
    let disks = try catalog().point(uuid: live.point)?.manifest.disks ?? []
    return Dictionary(disks.map { ($0.name, $0.capacity) }, uniquingKeysWith: { $1 })
  }

  private func progress(
    of live: Partial.LiveRestore, _ states: [PullState], capacities: [String: UInt64]
  ) -> [DiskProgress] {
    zip(live.disks, states).map { disk, state in
      if case .pulling(let progress) = state { return progress }
      let total = capacities[disk.name] ?? 0
      return DiskProgress(disk: disk.name, done: state == .free ? total : 0, total: total)
    }
  }

  /// How far a live restore is.
  func liveProgress(of live: Partial.LiveRestore, in guest: any Guest) throws -> [DiskProgress] {
    progress(
      of: live, try pullStates(live, in: guest), capacities: try capacities(of: live))
  }

  // MARK: - Stopping

  /// Stops the pulls until the restore is called again; the domain stands on the pool.
  func stopPulls(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, in guest: any Guest
  ) throws {
    try mark(pending, .stopped)
    for disk in live.disks where try guest.blockJob(of: disk.name) != nil {
      try guest.abortBlockJob(of: disk.name)
    }
  }

  /// Limits the pull of a live restore: there is one at a time.
  ///
  /// - Returns: Whether there was one.
  func setSpeed(
    of live: Partial.LiveRestore, to speed: Int64, in guest: any Guest
  ) throws -> Bool {
    try live.disks.reduce(false) { isSet, disk in
      try guest.setBlockJobSpeed(of: disk.name, to: speed) || isSet
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
