// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// A guest that an operation holds still for its instant, and what is owed to it when nobody is left
/// who did that.
///
/// Only what is provably ours is taken back: processors that QEMU's own `stop` stopped, which nobody
/// else uses, and file systems whose freezing was marked in QEMU just before.
extension Context {
  /// Seconds after which no guest is held any more, unless by an operation that was broken off.
  package static let holdLimit = 6

  /// Whether an operation may stop a guest's processors: not where somebody else stopped them as we
  /// would, since nobody could tell afterwards who did.
  ///
  /// - Parameters:
  ///   - guest: The guest.
  ///   - isQuiesced: Whether its file systems shall be frozen.
  /// - Returns: Whether it may.
  /// - Throws: ``BackupError`` where they cannot be frozen, or are already; what libvirt throws where
  ///   no agent answers.
  package func mayStop(_ guest: any Guest, isQuiesced: Bool) throws -> Bool {
    let standstill = try guest.standstill()
    if isQuiesced {
      guard standstill == .none else { throw BackupError.cannotQuiesce }
      guard try !guest.isFrozen() else { throw BackupError.alreadyFrozen }
    }
    return standstill != .ours
  }

  /// Lets a guest go that an operation holds.
  ///
  /// - Throws: `QMPError` or what libvirt throws; the next command tries again.
  package func letGo(of partial: Partial, _ guest: any Guest) throws {
    guard try isHeld(guest, by: partial) else { return }
    if partial.holdsGuest.isSuspended, try guest.standstill() == .ours {
      try guest.resume()
      observer.notice(
        "domain '\(partial.domainName)' was still suspended for '\(partial.pointName)' and is "
          + "resumed")
    }
    for node in try guest.monitor.blockNodes()
    where partial.id.owns(node.nodeName) {
      guard node.dirtyBitmaps?.contains(where: { $0.name == NodeNames.frozenMark }) == true else {
        continue
      }
      do {
        try guest.thaw()
        try guest.monitor.execute(
          .bitmapRemove(node: node.nodeName, name: NodeNames.frozenMark))
      } catch {
        observer.notice(
          "the file systems of domain '\(partial.domainName)' may be frozen (domfsthaw thaws "
            + "them): \(error)")
      }
    }
  }

  /// Leaves an operation to its client, but not a guest that it holds for longer than an instant: a
  /// client can be stopped, and its guard with it.
  package func leaveRunning(_ pending: Catalog.Pending) throws -> Settlement {
    guard pending.partial.holdsGuest.isSuspended,
      let guest = try guest(of: pending.partial)
    else { return .running }
    let end = ContinuousClock.now + .seconds(Context.holdLimit)
    while try guest.standstill() == .ours, try isHeld(guest, by: pending.partial) {
      guard ContinuousClock.now < end else {
        try letGo(of: pending.partial, guest)
        break
      }
      process.pause(100)
    }
    return .running
  }

  /// Whether the guest's QEMU is the one the operation began in, and the operation has not got beyond
  /// its instant: of its copies that of the NVRAM alone begins there, and an export after it.
  private func isHeld(_ guest: any Guest, by partial: Partial) throws -> Bool {
    let held = partial.holdsGuest
    guard held.isSuspended || held.isFrozen else { return false }
    return try guest.isAtInstant(of: partial)
  }
}

extension Guest {
  /// Whether QEMU has something of an operation, and neither an export of it yet nor a job that does
  /// not begin at its instant.
  package func isAtInstant(of partial: Partial) throws -> Bool {
    let jobs = partial.jobsOfInstant
    return try monitor.blockNodes().contains { partial.id.owns($0.nodeName) }
      && monitor.jobs().allSatisfy { !partial.id.owns($0.id) || jobs.contains($0.id) }
      && !monitor.exports().contains { partial.id.owns($0.id) }
  }
}

extension Partial {
  /// Ids of the jobs that begin at the operation's instant.
  ///
  /// That of the NVRAM is one and, where the guest is not protected, all are. The jobs of a session
  /// save what the guest overwrites.
  fileprivate var jobsOfInstant: Set<String> {
    let isUnprotected =
      session != nil
      || liveDisks.contains { $0.scratchVolume == nil && $0.name != VolumeNames.nvramDisk }
    return Set(
      diskNames.enumerated().filter { isUnprotected || $0.element == VolumeNames.nvramDisk }.map {
        NodeNames(operation: uuid, disk: $0.offset).job
      })
  }
}
