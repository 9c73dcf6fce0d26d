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
  /// is there is never touched.
  ///
  /// - Throws: What libvirt or QEMU throws; the partial is still there then, and the next command
  ///   goes on.
  func undoCreate(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else { return }
    let names = manifest.volumeNames
    guard try !isWhole(pending, manifest) else { return }
    // Copies have nothing but the partial that says that they are ours.
    if pending.partial.isCopy, try !repository.contains(pending.volume) { return }
    if let guest {
      try letGo(of: pending.partial, guest)
      try cancelJobs(of: pending.partial, in: guest)
      // The jobs before the images: copies that have ended well and whose images are closed would be
      // taken for whole.
      try dismissJobs(of: pending.partial, in: guest.monitor)
      try takeDown(pending.partial, guest: guest)
    }
    // A client that publishes looks for this after it has written: one of the two sees the other.
    noteUndone(pending)
    guard try !isWhole(pending, manifest) else { return try repository.delete(pending.undone) }
    if let guest {
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
      if publishedManifest(nil, in: names.manifest) == nil { try repository.delete(names.manifest) }
      try discardUnpublished(manifest.volumes.map(\.name))
    }
    try deleteScratch(of: pending.partial)
    try repository.delete(pending.volume)
    try repository.delete(pending.undone)
    if pending.partial.isCopy { try forgetMade(pending) }
  }

  /// Notes that an operation is undone.
  ///
  /// In a pool that is full it cannot be noted, and nobody can publish anything either.
  private func noteUndone(_ pending: Catalog.Pending) {
    _ = try? repository.write(pending.undone, Array("undone\n".utf8))
  }

  /// Refuses to go on with an operation that another client undoes.
  ///
  /// - Throws: ``BackupError`` with code `busy`.
  func refuseUndone(_ pending: Catalog.Pending) throws {
    guard try repository.contains(pending.undone) else { return }
    throw BackupError(
      .busy, "another client cancelled backup '\(pending.partial.pointName)'")
  }

  /// Deletes images of a point that was never published, so that no point can stand on them.
  ///
  /// What cannot be deleted, or is used all the same, is told and left: it stops nothing.
  ///
  /// - Throws: What libvirt throws where it does not answer any more.
  func discardUnpublished(_ volumes: [String]) throws {
    do {
      try discard(volumes)
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
