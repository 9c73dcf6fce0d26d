// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// On what a disk's next backup stands: a point and the bitmaps since it, or nothing and why.
package struct BaseChoice {
  /// The point; nil for a full.
  package var parent: Point?
  /// Bitmaps whose union holds every change since it.
  package var bitmaps: [BitmapPlace] = []
  /// True when the user named the point.
  package var isDifferential = false
  /// Why it is a full; nil for an incremental.
  package var reason: Reason?
  /// Bytes that will be copied, as far as can be told.
  package var expectedBytes: UInt64
  /// How many backups it will stand on.
  package var chainLength = 0

  /// Chooses.
  ///
  /// Any doubt makes a full, unless the user said that it must not.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - request: What the user asks of it, and of all disks.
  ///   - points: The points of the domain.
  ///   - chain: UUID of the domain's points in the pool.
  ///   - catalog: The pool.
  ///   - isForgotten: Whether the domain's bitmaps were removed by `backup-forget`.
  ///   - isPoint: Whether a point will stand on it.
  ///   - obstacle: Why it cannot be incremental; nil where it can.
  /// - Throws: ``BackupError`` when an incremental was demanded and cannot be had, or the point
  ///   that was named does not exist.
  package init(
    _ disk: LiveDisk, request: DiskRequest, points: [Point], chain: String, catalog: Catalog,
    isForgotten: Bool, isPoint: Bool, obstacle: Reason? = nil
  ) throws {
    expectedBytes = disk.allocation
    if let obstacle {
      guard request.parent == nil, !request.isIncremental else {
        throw BackupError(
          .invalid,
          "disk '\(disk.name)' cannot be backed up incrementally: \(obstacle.text)")
      }
      reason = obstacle
      return
    }
    if request.isFull {
      reason = .requested
      return
    }
    let search = Search(
      disk: disk, chain: chain, catalog: catalog, isForgotten: isForgotten, isPoint: isPoint)
    if let named = request.parent {
      guard
        let point = points.first(where: {
          $0.manifest.name == named || $0.manifest.uuid == named.lowercased()
        })
      else {
        throw BackupError(
          .notFound, "Domain backup not found: no domain backup with matching name '\(named)'")
      }
      if point.manifest.disks.contains(where: { $0.name == disk.name }) {
        switch search.check(point) {
        case .success(let found):
          use(point, found)
          isDifferential = true
        case .failure(let refusal):
          // A newer backup made us drop that bitmap: no fault of the image's.
          let isSuperseded =
            !catalog.isDoomed(point.manifest.uuid)
            && [Reason.bitmapMissing, .baseDeleted].contains(refusal.reason)
            && points.contains {
              $0.manifest.sequence > point.manifest.sequence
                && $0.manifest.disks.contains { $0.name == disk.name }
            }
          let why =
            isSuperseded
            ? "its changes were recorded up to the next backup only" : refusal.reason.text
          throw BackupError(
            .invalid, "disk '\(disk.name)' cannot be backed up since '\(named)': \(why)")
        }
        return
      }
      reason = .newDisk(since: point.manifest.name)
    } else {
      let candidates = points.filter { point in
        point.manifest.disks.contains { $0.name == disk.name }
      }
      var firstRefusal: Reason?
      for point in candidates.reversed() {
        switch search.check(point) {
        case .success(let found):
          use(point, found)
          return
        case .failure(let refusal):
          firstRefusal = firstRefusal ?? refusal.reason
        }
        // Whatever bitmaps older points have: this is what the next backup would continue.
        if firstRefusal?.code == Reason.chainLong(0).code { break }
      }
      reason = firstRefusal ?? points.last.map { .newDisk(since: $0.manifest.name) } ?? .first
      if candidates.isEmpty, search.hasBitmapOfDeletedPoint { reason = .baseDeleted }
    }
    if let reason, request.isIncremental {
      throw BackupError(
        .invalid, "disk '\(disk.name)' cannot be backed up incrementally: \(reason.text)")
    }
  }

  private mutating func use(_ point: Point, _ found: Search.Found) {
    parent = point
    bitmaps = found.bitmaps
    expectedBytes = found.bytes
    chainLength = found.chainLength
  }
}

/// Looks for the bitmaps of points on the nodes of one disk.
private struct Search {
  struct Found {
    var bitmaps: [BitmapPlace]
    var bytes: UInt64
    var chainLength: Int
  }

  struct Refusal: Error {
    var reason: Reason
  }

  let disk: LiveDisk
  let chain: String
  let catalog: Catalog
  let isForgotten: Bool
  let isPoint: Bool

  /// Whether everything that changed since a point is known.
  func check(_ point: Point) -> Result<Found, Refusal> {
    func refuse(_ reason: Reason) -> Result<Found, Refusal> { .failure(Refusal(reason: reason)) }
    guard let old = point.manifest.disks.first(where: { $0.name == disk.name }) else {
      return refuse(.newDisk(since: point.manifest.name))
    }
    guard !catalog.isDoomed(point.manifest.uuid) else { return refuse(.baseDeleted) }
    guard let volumes = try? catalog.chain(of: point, disk: disk.name),
      volumes.allSatisfy({ catalog.volumes.contains($0.volume.name) })
    else { return refuse(.baseMissing(point.manifest.name)) }
    guard !isPoint || volumes.count < ChainLength.longest else {
      return refuse(.chainLong(volumes.count))
    }

    guard !catalog.isDamaged(point.manifest.uuid, disk: disk.name) else {
      return refuse(.baseDamaged(point.manifest.name))
    }
    let name = BitmapName(
      chain: point.manifest.chain, point: point.manifest.uuid, disk: disk.name
    ).text
    let layers = ([disk.node] + disk.backing).map { node in
      (node: node.nodeName, bitmap: node.dirtyBitmaps?.first { $0.name == name })
    }
    guard let top = layers[0].bitmap else { return refuse(reasonForNone) }
    // Every layer that was written to since has one; a gap means that somebody removed one.
    guard let count = layersWritten(since: point) else { return refuse(.imageChanged) }
    let found = layers.prefix { $0.bitmap != nil }
    guard found.count >= count,
      !layers.dropFirst(found.count).contains(where: { $0.bitmap != nil })
    else { return refuse(.bitmapMissing) }
    let bitmaps = found.compactMap(\.bitmap)
    guard !bitmaps.contains(where: { $0.inconsistent == true }) else {
      return refuse(.bitmapInconsistent)
    }
    // Lower layers are not written to: theirs need not record.
    guard top.recording, !bitmaps.contains(where: \.busy) else { return refuse(.bitmapMissing) }
    guard disk.capacity >= old.capacity else { return refuse(.diskShrunk) }
    // A bitmap grows with clean bits, but a device's new part may hold what stood there before.
    guard disk.capacity == old.capacity || !disk.isRawBlockDevice else {
      return refuse(.imageChanged)
    }
    return .success(
      Found(
        bitmaps: found.map { .init(node: $0.node, name: name) },
        bytes: min(bitmaps.reduce(0) { $0 &+ $1.count }, disk.capacity),
        chainLength: volumes.count))
  }

  /// How many images of the disk, from the top, were written to since a point.
  ///
  /// They end with the first that the disk had then already: its active layer or, after a commit,
  /// what that was committed into, and libvirt merged the bitmaps. Nil where no image is one of
  /// those: the disk was moved, which nobody can tell from an overlay whose base was merged into it,
  /// and the bitmap there is then not all.
  private func layersWritten(since point: Point) -> Int? {
    let definition = try? DomainDefinition(parsing: point.manifest.domainXML)
    guard let then = definition?.disks.first(where: { $0.target == disk.name })?.chain else {
      return nil
    }
    return disk.sources.firstIndex { source in then.contains { $0.source == source } }.map {
      $0 + 1
    }
  }

  /// Whether the disk has a bitmap of this chain whose point is no more.
  var hasBitmapOfDeletedPoint: Bool {
    ours.contains { $0.disk == disk.name && catalog.point(uuid: $0.point) == nil }
  }

  private var ours: [BitmapName] {
    (disk.node.dirtyBitmaps ?? []).compactMap(\.name).compactMap(BitmapName.init(parsing:))
      .filter { $0.chain == chain }
  }

  private var reasonForNone: Reason {
    if isForgotten { return .forgotten }
    if hasBitmapOfDeletedPoint { return .baseDeleted }
    if ours.contains(where: { $0.disk != disk.name }) { return .imageChanged }
    if disk.hasInternalSnapshots { return .internalSnapshots }
    return disk.keepsBitmaps ? .bitmapMissing : .bitmapLost(format: disk.format)
  }
}
