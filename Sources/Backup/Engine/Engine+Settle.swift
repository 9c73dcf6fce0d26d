// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// What settling found of an operation, or did with it.
package enum Settlement: Sendable, Equatable {
  /// Its copies run, or its client is about to start them.
  case running
  /// Another libvirt host runs it.
  case elsewhere
  /// It was complete and has been finished.
  case finished
  /// Its QEMU ended; it is left for its owner to see.
  case lost
  /// It had failed or its client is dead, and it has been undone.
  case undone
  /// It could be neither finished nor undone, which was told; it is left as it is.
  case failed
}

extension Engine {
  /// Finishes or undoes what other clients left of their operations on a domain.
  ///
  /// Jobs speak for themselves: what works is left alone, what is ready is published, what failed is
  /// undone, whoever started it. An operation without jobs belongs to a client that is setting up
  /// and is undone only when that client is gone or, where that cannot be known, much too late. One that can be neither finished
  /// nor undone is told and left, and stops nothing else.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - endsLostSessions: Whether NBD sessions whose QEMU has ended are ended too.
  /// - Returns: What became of each, by the operation's UUID.
  /// - Throws: ``BackupError`` where the user asked to stop, and what libvirt throws where it does not
  ///   answer; the rest is left for the next command.
  @discardableResult
  package func settle(
    domainUUID: String, endsLostSessions: Bool = true
  ) throws -> [String: Settlement] {
    var settled: [String: Settlement] = [:]
    for pending in try removeStumps().pending(concerning: domainUUID) {
      do {
        // Others may have ended it since we looked.
        guard try isUnderWay(pending) else { continue }
        settled[pending.partial.uuid] = try settleAtLast(
          pending, endsLostSessions: endsLostSessions)
      } catch {
        try rethrowUnlessLocal(error)
        guard try isUnderWay(pending) else {
          // This client failed since another one was faster with all of it.
          settled[pending.partial.uuid] = try isPublished(pending) ? .finished : .undone
          continue
        }
        settled[pending.partial.uuid] = .failed
        tellUnsettled(pending.partial, error)
      }
    }
    try endOrphans()
    return settled
  }

  /// Tells that another client made a point of an operation.
  private func isPublished(_ pending: Catalog.Pending) throws -> Bool {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else { return false }
    return try isWhole(pending, manifest)
  }

  /// Settles an operation, and once more where its helper domain ended in the midst of that: of one that
  /// is gone nothing can be asked, and what it left is settled without it.
  private func settleAtLast(
    _ pending: Catalog.Pending, endsLostSessions: Bool
  ) throws -> Settlement {
    do {
      return try settle(pending, endsLostSessions: endsLostSessions)
    } catch  where pending.partial.helper != nil && !(error is BackupError) {
      try rethrowUnlessLocal(error)
      guard try guest(of: pending.partial) == nil else { throw error }
      return try settle(pending, endsLostSessions: endsLostSessions)
    }
  }

  private func settle(
    _ pending: Catalog.Pending, endsLostSessions: Bool
  ) throws -> Settlement {
    let partial = pending.partial
    guard try isHere(partial) else { return .elsewhere }
    switch partial.operation {
    case .create(let manifest, _, _, _): return try settleCreate(pending, manifest)
    case .restore: return try settleRestore(pending)
    case .live(let live): return try settleLive(pending, live)
    case .delete: return try settleDelete(pending)
    case .session(let session):
      return try settleSession(pending, session, endsLost: endsLostSessions)
    }
  }

  private func settleCreate(
    _ pending: Catalog.Pending, _ manifest: Manifest
  ) throws -> Settlement {
    let partial = pending.partial
    let guest = try guest(of: partial)
    // The jobs first, then the manifest: a client that publishes writes the manifest before it
    // takes the first job off the list.
    let jobs = try guest.map { try self.jobs(of: partial, in: $0.monitor) } ?? []
    if try isWhole(pending, manifest) {
      if let guest { try takeDown(partial, guest: guest) }
      try finish(pending, manifest: manifest, guest: guest)
      return .finished
    }
    switch try decision(of: pending) {
    case .publish:
      try publishDecided(pending, guest: guest)
      return .finished
    case .undo: return try undoCreate(pending, guest: guest)
    case nil: break
    }
    switch state(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
    case .running:
      return try leaveRunning(pending)
    case .ready:
      guard let guest else { return .running }
      do {
        try publish(pending, guest: guest)
      } catch let error as BackupError where [.failed, .busy].contains(error.code) {
        guard try !isWhole(pending, manifest) else {
          guard error.code == .busy else { throw error }
          return .finished
        }
        let decision = try decision(of: pending)
        guard error.code == .failed || decision == .undo else { throw error }
        if decision == nil {
          observer.notice("backup '\(partial.pointName)' is undone: \(error)")
        }
        return try undoCreate(pending, guest: guest)
      }
      return .finished
    case .failed:
      return try undoCreate(pending, guest: guest)
    case .missing:
      guard try isAbandoned(pending) else { return try leaveRunning(pending) }
      return try undoCreate(pending, guest: guest)
    }
  }

  /// Whether nobody will go on with an operation that has no jobs.
  func isAbandoned(_ pending: Catalog.Pending) throws -> Bool {
    if pending.partial.owner == process.owner { return true }
    switch process.liveness(pending.partial.owner) {
    case .dead: return true
    // However long it takes.
    case .alive: return false
    case .unknown: break
    }
    return try repository.age(of: pending.volume) > Engine.setupLimit
  }

  /// Deletes partials that were never whole, and marks and claims whose partial is gone.
  ///
  /// The partial is the first thing an operation makes and is read again before the guest is
  /// touched, so that one that loses it stops.
  ///
  /// - Returns: The pool as it was seen last.
  private func removeStumps() throws -> Catalog {
    var catalog = try catalog()
    let stumps = catalog.broken.filter { $0.isPartial }
    if !stumps.isEmpty {
      // It may be on its way.
      pause(milliseconds: 300)
      catalog = try self.catalog()
      for stump in stumps where catalog.broken.contains(stump) && !stump.isNewer {
        // libvirt refuses while its client makes it; what stays is looked at again the next time.
        try? repository.delete(stump.volume)
      }
    }
    for volume in catalog.volumes {
      guard let partial = VolumeNames.partial(ofNote: volume) else { continue }
      guard !catalog.volumes.contains(partial), (try? repository.contains(partial)) == false else {
        continue
      }
      // As above.
      try? repository.delete(volume)
    }
    return catalog
  }
}
