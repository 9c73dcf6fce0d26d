// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Create {
  /// Takes back a create that will not be published.
  ///
  /// The base kept recording throughout, so the next backup misses nothing. A point whose manifest
  /// is there is never touched, and one that another client has begun to publish is published.
  ///
  /// - Returns: Whether it is `undone`, or `finished` where its point exists.
  /// - Throws: What libvirt or QEMU throws; the partial is still there then, and the next command
  ///   goes on.
  @discardableResult
  func undoCreate(_ pending: Catalog.Pending, guest: (any Guest)?) throws -> Settlement {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else { return .undone }
    let names = manifest.volumeNames
    // Copies have nothing but the partial that says that they are ours. It goes after the manifest
    // was written.
    let isOver = try !journal.isUnderWay(pending)
    guard try !isWhole(pending, manifest) else { return .finished }
    if pending.partial.isCopy, isOver { return .undone }
    if let guest {
      // Before the pool is asked for anything, which may be what hangs. What another client is about
      // to publish has ended by then and cannot be cancelled.
      try context.letGo(of: pending.partial, guest)
      try context.cancelJobs(of: pending.partial, in: guest)
    }
    guard try decideUndo(pending) == .undo else {
      try publishDecided(pending, guest: guest)
      return .finished
    }
    guard try !isWhole(pending, manifest) else { return .finished }
    if let guest {
      try guest.monitor.dismissJobs(of: pending.partial)
      try context.takeDown(pending.partial, guest: guest)
      // Not before: a point that was published meanwhile is what the next backup stands on.
      try changeBitmaps(of: manifest, in: guest, isHelper: pending.partial.helper != nil) {
        try guest.monitor.removeBitmaps { $0.point == manifest.uuid }
      }
    }
    try hypervisor.endHelper(of: pending.partial)
    if pending.partial.isCopy {
      try deleteTargets(of: pending)
    } else {
      // Half a manifest is ours; a whole one that is not of this point is somebody else's.
      if context.pool.publishedManifest(nil, in: names.manifest) == nil,
        try journal.mayDelete(byNamesOf: pending)
      {
        try repository.delete(names.manifest)
      }
      try discardUnpublished(manifest.volumes.map(\.name), of: pending)
    }
    if try journal.mayDelete(byNamesOf: pending) { try context.deleteScratch(of: pending.partial) }
    try journal.end(pending)
    return .undone
  }

  /// Deletes images of a point that was never published, so that no point can stand on them.
  ///
  /// What cannot be deleted, or is used all the same, is told and left: it stops nothing.
  ///
  /// - Parameters:
  ///   - volumes: The images.
  ///   - pending: The create that made them.
  /// - Throws: What libvirt throws where it does not answer any more.
  func discardUnpublished(_ volumes: [String], of pending: Catalog.Pending) throws {
    do {
      try journal.discard(volumes, of: pending)
    } catch {
      try context.rethrowUnlessLocal(error)
      observer.notice("left in the pool: \(volumes.joined(separator: ", ")): \(error)")
    }
  }
}
