// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Delete {
  /// Deletes what a partial says, after the merges; each step may be repeated.
  ///
  /// The manifest of a point goes before its data, descendants before what they stand on: no listed
  /// point ever lacks something. Bitmaps stay: the next backup sees by them that its base was
  /// deleted.
  ///
  /// Whoever comes to a step when another client has ended the delete must not take it any more: a
  /// newer point may have the name.
  ///
  /// - Throws: ``BackupError`` with code `busy` where something has come to need it while others took
  ///   over what they need: it stays whole, and the delete is over; or where it is over already.
  func perform(_ pending: Catalog.Pending) throws {
    guard let delete = pending.partial.delete else { return }
    let doomed = Set(delete.points.filter { !$0.isKept }.map(\.uuid))
    try journal.requireUnderWay(pending)
    // The client that merged may have died before the new links of the images were on disk.
    try repository.synchronize(delete.merges.map(\.volume))
    let kept = Set(delete.points.filter(\.isKept).map(\.uuid))
    for manifest in delete.manifests where !kept.contains(manifest.uuid) {
      try rewrite(manifest, of: pending)
    }
    if try !delete.merges.isEmpty && !hasBegun(delete) {
      do {
        try journal.refuseNeeded(delete, isMerged: true, in: catalog())
      } catch {
        try context.renewChecksums(of: Set(delete.merges.map(\.point)), for: pending)
        try journal.end(pending)
        throw error
      }
    }
    for manifest in delete.manifests where kept.contains(manifest.uuid) {
      try rewrite(manifest, of: pending)
    }
    for point in delete.points { context.pool.forgetManifest(in: point.manifest) }
    try dropBitmapsOfEndingChain(pending.partial, points: doomed)
    for point in delete.points where !point.isKept {
      try journal.requireUnderWay(pending)
      // Another manifest may have come to that name since.
      if try context.pool.isPublished(point.uuid, in: point.manifest) {
        try repository.delete(point.manifest)
        try repository.synchronize([])
      }
    }
    try journal.requireUnderWay(pending)
    try journal.discard(delete.points.flatMap(\.volumes), of: pending)
    // Through libvirt a manifest is not whole while it is replaced, and who does that may be killed.
    for manifest in delete.manifests
    where context.pool.publishedManifest(manifest.uuid, in: manifest.volumeNames.manifest) == nil {
      try rewrite(manifest, of: pending)
    }
    for point in delete.points {
      // A newer point may have the name.
      try journal.requireUnderWay(pending)
      try context.discardProofs(of: point)
    }
    try context.renewChecksums(of: Set(delete.merges.map(\.point)), for: pending)
    try journal.end(pending)
  }

  /// Without any point left nothing will ever use the chain's bitmaps, nor remove them.
  ///
  /// The bitmaps go before the manifests, since only these tell the chain: bitmaps of points that
  /// were deleted before are in it too. Should we die in between, the next backup is a full.
  private func dropBitmapsOfEndingChain(_ partial: Partial, points doomed: Set<String>) throws {
    guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else { return }
    let (bitmaps, catalog) = try context.settledBitmaps(in: guest.monitor)
    let points = catalog.points(of: partial.domainUUID)
    guard points.allSatisfy({ doomed.contains($0.manifest.uuid) }),
      !catalog.pending(of: partial.domainUUID).contains(where: \.partial.isCreate)
    else { return }
    let chains = Set(points.map(\.manifest.chain))
    try guest.monitor.removeBitmaps {
      bitmaps.contains($0) && chains.contains($0.chain)
    }
  }
}
