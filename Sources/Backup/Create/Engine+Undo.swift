// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
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
    let isOver = try !isUnderWay(pending)
    guard try !isWhole(pending, manifest) else { return .finished }
    if pending.partial.isCopy, isOver { return .undone }
    if let guest {
      // Before the pool is asked for anything, which may be what hangs. What another client is about
      // to publish has ended by then and cannot be cancelled.
      try letGo(of: pending.partial, guest)
      try cancelJobs(of: pending.partial, in: guest)
    }
    guard try decideUndo(pending) == .undo else {
      try publishDecided(pending, guest: guest)
      return .finished
    }
    guard try !isWhole(pending, manifest) else { return .finished }
    if let guest {
      try dismissJobs(of: pending.partial, in: guest.monitor)
      try takeDown(pending.partial, guest: guest)
      // Not before: a point that was published meanwhile is what the next backup stands on.
      try changeBitmaps(of: manifest, in: guest, isHelper: pending.partial.helper != nil) {
        try removeBitmaps(in: guest.monitor) { $0.point == manifest.uuid }
      }
    }
    try endHelper(of: pending.partial)
    if pending.partial.isCopy {
      try deleteTargets(of: pending)
    } else {
      // Half a manifest is ours; a whole one that is not of this point is somebody else's.
      if publishedManifest(nil, in: names.manifest) == nil, try mayDelete(byNamesOf: pending) {
        try repository.delete(names.manifest)
      }
      try discardUnpublished(manifest.volumes.map(\.name), of: pending)
    }
    if try mayDelete(byNamesOf: pending) { try deleteScratch(of: pending.partial) }
    try forget(pending)
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
      try discard(volumes, of: pending)
    } catch {
      try rethrowUnlessLocal(error)
      observer.notice("left in the pool: \(volumes.joined(separator: ", ")): \(error)")
    }
  }

  /// Whether a volume is the whole manifest of a point.
  ///
  /// - Throws: When that cannot be found out, which is not the same as no.
  func isPublished(_ uuid: String, in volume: String) throws -> Bool {
    guard try repository.contains(volume) else { return false }
    let text = try Catalog.text(of: volume, in: repository)
    let manifest = try? Manifest(parsing: text)
    return manifest?.uuid == uuid
  }
}
