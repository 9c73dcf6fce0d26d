// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Create {
  /// Makes the point of a create exist: its jobs are ready.
  ///
  /// Each step may be repeated, also by two clients at once.
  ///
  /// - Returns: The manifest as published.
  /// - Throws: ``BackupError`` with code `failed` where what was copied could not be written, or `busy`
  ///   where another client undoes it: it is for the caller to undo then.
  @discardableResult
  func publish(_ pending: Catalog.Pending, guest: any Guest) throws -> Manifest {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else {
      throw BackupError(.invalid, "not a backup")
    }
    try context.letGo(of: pending.partial, guest)
    try context.endCopies(of: pending.partial, disks: pending.partial.diskNames, in: guest)
    try context.takeDown(pending.partial, guest: guest)
    if pending.partial.isCopy {
      try journal.synchronizeTargets(of: pending.partial)
      try decidePublish(pending)
    } else {
      try startRecording(pending.partial, manifest, in: guest)
    }
    return try complete(pending, manifest, guest: guest)
  }

  /// Makes the point of a create exist that was decided to be published: all of its images are whole
  /// and closed, whether or not the QEMU that wrote them is still there.
  ///
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the next command goes on.
  func publishDecided(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else { return }
    if let guest { try context.takeDown(pending.partial, guest: guest) }
    _ = try complete(pending, manifest, guest: guest)
  }

  private func complete(
    _ pending: Catalog.Pending, _ manifest: Manifest, guest: (any Guest)?
  ) throws -> Manifest {
    if pending.partial.isCopy {
      try finishCopies(pending, guest: guest)
      return manifest
    }
    let published = try writeManifest(context.measured(manifest), of: pending)
    try finish(pending, manifest: published, guest: guest)
    return published
  }

  /// What remains to be done for a point that exists and is taken out of QEMU.
  func finish(_ pending: Catalog.Pending, manifest: Manifest, guest: (any Guest)?) throws {
    if pending.partial.isCopy { return try finishCopies(pending, guest: guest) }
    if let guest {
      try guest.monitor.dismissJobs(of: pending.partial)
      try changeBitmaps(of: manifest, in: guest, isHelper: pending.partial.helper != nil) {
        try dropSupersededBitmaps(by: manifest, in: guest.monitor)
      }
    }
    try hypervisor.endHelper(of: pending.partial)
    let forgotten = try catalog().forgotten[manifest.domainUUID] ?? []
    // A later operation's files are not ours to delete.
    guard try journal.isUnderWay(pending) else { return }
    try context.deleteScratch(of: pending.partial)
    for note in forgotten { try repository.delete(note) }
    try journal.end(pending)
  }

  /// Decides that a create is published, writes the manifest and reads it back.
  ///
  /// Of two clients that do so at once one makes the volume and the other waits for its content. It is
  /// decided when nothing of it can fail any more.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client undoes it or ended it.
  func writeManifest(_ manifest: Manifest, of pending: Catalog.Pending) throws -> Manifest {
    let volume = manifest.volumeNames.manifest
    let content = Array(try manifest.xml().utf8)
    var isWritten = false
    for attempt in 0..<20 {
      if let published = context.pool.publishedManifest(manifest.uuid, in: volume) {
        // Another client may have written it and not be sure of it yet.
        try repository.synchronize([volume])
        // Others may have finished it and deleted the point, or a user its images.
        guard try manifest.volumes.allSatisfy({ try repository.contains($0.name) }) else {
          if try isWritten || journal.isUnderWay(pending) { try repository.delete(volume) }
          throw BackupError(.busy, "images of backup '\(manifest.name)' were deleted meanwhile")
        }
        return published
      }
      guard try journal.isUnderWay(pending) else {
        // Another client may have published it since the look above.
        if let published = context.pool.publishedManifest(manifest.uuid, in: volume) {
          return published
        }
        throw BackupError(.busy, "another client ended backup '\(manifest.name)'")
      }
      do {
        try repository.write(volume, content) { try decidePublish(pending) }
        isWritten = true
      } catch let error as BackupError where error.code == .exists {
        // Somebody is writing it, or died while doing so. It is replaced and not deleted: who was
        // only slow may have completed it since we looked, and goes by that.
        if context.pool.waitForManifest(manifest.uuid, in: volume) == nil, attempt > 2 {
          try replaceUnwritten(volume, content, of: pending)
        }
      }
    }
    if let published = context.pool.publishedManifest(manifest.uuid, in: volume) {
      return published
    }
    throw BackupError(.failed, "the manifest '\(volume)' could not be written")
  }

  /// Writes the manifest whose client died in the midst of that, unless it was only slow.
  private func replaceUnwritten(
    _ volume: String, _ content: [UInt8], of pending: Catalog.Pending
  ) throws {
    do {
      try repository.replace(volume, content) {
        try decidePublish(pending)
        guard context.pool.publishedManifest(nil, in: volume) == nil else {
          throw BackupError(.exists, "volume '\(volume)' already exists")
        }
      }
    } catch let error as BackupError where error.code == .exists {
      guard let other = context.pool.publishedManifest(nil, in: volume)?.uuid,
        case .create(let manifest, _, _, _) = pending.partial.operation, other != manifest.uuid
      else { return }
      throw error
    }
  }

  /// Removes the bitmaps of the chain that a new point makes useless, disk by disk.
  private func dropSupersededBitmaps(by manifest: Manifest, in monitor: any Monitor) throws {
    let (bitmaps, catalog) = try context.settledBitmaps(in: monitor)
    let points = catalog.points(of: manifest.domainUUID)
    let disks = Dictionary(manifest.disks.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    // A point that was named as a parent may be named again, until a full follows.
    func isPinned(_ name: BitmapName) -> Bool {
      guard disks[name.disk]?.mode == .incremental, catalog.point(uuid: name.point) != nil else {
        return false
      }
      return points.contains { point in
        point.manifest.disks.contains {
          $0.name == name.disk && $0.isDifferential && $0.parent == name.point
        }
      }
    }
    let sequence = manifest.sequence
    try monitor.removeBitmaps { name in
      guard bitmaps.contains(name), name.chain == manifest.chain, name.point != manifest.uuid,
        disks[name.disk] != nil
      else { return false }
      // A client that settles late must not touch what came after.
      if let point = catalog.point(uuid: name.point), point.manifest.sequence > sequence {
        return false
      }
      return !isPinned(name)
    }
  }
}
