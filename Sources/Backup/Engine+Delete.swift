// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// Which points a delete removes.
package enum DeleteScope: Sendable {
  /// The point alone.
  case point
  /// The point and its descendants.
  case withChildren
  /// The descendants alone.
  case childrenOnly
}

/// What a delete has taken away.
package struct Deleted: Sendable, Equatable {
  /// Name of the point.
  package var point: String
  /// The disks whose data is gone; nil where nothing of the point is left.
  package var disks: [String]?
}

extension Engine {
  /// Deletes points, or disks of them.
  ///
  /// What others need of a point that goes alone is merged into them first.
  ///
  /// - Parameters:
  ///   - point: The point that was named.
  ///   - scope: What goes with it.
  ///   - disks: The disks whose data goes; empty for all, and everything else of the points.
  ///   - isAsync: Whether to return once what others need is being copied.
  ///   - deadline: When to give up; nil for never.
  /// - Returns: What is gone, in the order it went; nil where it goes later.
  /// - Throws: ``BackupError``: `busy` while an operation reads one of them, `interrupted`,
  ///   `timedOut`; every point is as it was then.
  package func delete(
    _ point: Point, scope: DeleteScope, disks: [String] = [], isAsync: Bool = false,
    deadline: ContinuousClock.Instant? = nil
  ) throws -> [Deleted]? {
    let domainUUID = point.manifest.domainUUID
    try settle(domainUUID: domainUUID)
    let catalog = try catalog()
    let descendants = catalog.descendants(of: point.manifest.uuid)
    if let unknown = disks.first(where: { !point.has($0) }) {
      throw BackupError(
        .notFound, "backup '\(point.manifest.name)' has no disk named '\(unknown)'")
    }
    let chosen = disks.isEmpty ? nil : Set(disks)
    var doomed: [Point]
    switch scope {
    case .point: doomed = [point]
    case .withChildren: doomed = Array(descendants.reversed()) + [point]
    case .childrenOnly: doomed = descendants.reversed()
    }
    if !disks.isEmpty { doomed.removeAll { !disks.contains(where: $0.has) } }
    guard !doomed.isEmpty else { return [] }
    try refuseWhileRead(doomed, catalog: catalog)
    let merged = scope == .point ? try Merged(point, disks: chosen, catalog: catalog) : Merged()
    for (_, chain) in merged.chains { try checkChain(chain, in: catalog) }

    let uuid = process.newUUID()
    let partial = Partial(
      uuid: uuid, pointName: point.manifest.name, domainName: point.manifest.domainName,
      domainUUID: domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: process.time(),
      helper: merged.merges.isEmpty ? nil : Engine.helperName(operation: uuid),
      operation: .delete(
        .init(
          points: doomed.map { point in
            let rest = catalog.rest(of: point, without: chosen)?.volumes ?? []
            return .init(
              uuid: point.manifest.uuid, manifest: point.manifestVolume,
              volumes: point.manifest.volumes.filter { !rest.contains($0) }.map(\.name),
              isKept: !rest.isEmpty)
          }, merges: merged.merges,
          // Those that stand on others first.
          manifests: merged.manifests
            + doomed.compactMap { catalog.rest(of: $0, without: chosen) })))
    let pending = Catalog.Pending(
      volume: point.manifest.volumeNames.partial(operation: uuid), partial: partial)
    try repository.write(pending.volume, Array(try partial.xml().utf8))
    do {
      if isAsync {
        try repository.write(pending.mark, Array("async\n".utf8))
        if try startMerge(pending, outlivesClient: true) != nil { return nil }
      } else {
        try merge(pending, deadline: deadline)
      }
    } catch {
      // Every point is still whole. What moved already is written down as it is.
      let cause = error
      do {
        try undoMerge(pending)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      throw cause
    }
    try perform(pending)
    return doomed.map { point in
      Deleted(
        point: point.manifest.name,
        disks: catalog.rest(of: point, without: chosen) == nil
          ? nil : point.manifest.disks.map(\.name).filter { disks.contains($0) })
    }
  }

  func settleDelete(_ pending: Catalog.Pending) throws -> Settlement {
    if let settlement = try settleAsyncDelete(pending) { return settlement }
    if process.liveness(pending.partial.owner) != .dead,
      let helper = try guest(of: pending.partial),
      try !jobs(of: pending.partial, in: helper.monitor).isEmpty
    {
      return .running
    }
    guard try isAbandoned(pending) else { return .running }
    try merge(pending, deadline: nil)
    try perform(pending)
    return .finished
  }

  /// Settles a delete that goes on without its client, by its jobs.
  ///
  /// - Returns: What became of it; nil where they say nothing.
  private func settleAsyncDelete(_ pending: Catalog.Pending) throws -> Settlement? {
    guard try repository.contains(pending.mark),
      let helper = try guest(of: pending.partial)
    else { return nil }
    let jobs = try jobs(of: pending.partial, in: helper.monitor)
    if jobs.isEmpty { return nil }
    if jobs.contains(where: { $0.error != nil }) {
      try undoMerge(pending)
      return .undone
    }
    guard jobs.allSatisfy({ ["pending", "concluded"].contains($0.status) }) else {
      return .running
    }
    do {
      try endMerge(pending, in: helper)
    } catch let error as BackupError where error.code == .failed {
      observer.notice("backup '\(pending.partial.pointName)' is not deleted: \(error)")
      try undoMerge(pending)
      return .undone
    }
    try merge(pending, deadline: nil)
    try perform(pending)
    return .finished
  }

  /// Cancels a delete that copies.
  func abortDelete(_ pending: Catalog.Pending, in helper: any Guest) throws {
    try cancelJobs(of: pending.partial, in: helper)
    // A client that waits sees the end of the jobs and does this itself.
    if try repository.contains(pending.mark) { try undoMerge(pending) }
  }

  /// Deletes what a partial says, after the merges; each step may be repeated.
  ///
  /// The manifest of a point goes before its data, descendants before what they stand on: no listed
  /// point ever lacks something. Bitmaps stay: the next backup sees by them that its base was
  /// deleted.
  private func perform(_ pending: Catalog.Pending) throws {
    guard case .delete(let delete) = pending.partial.operation else { return }
    let doomed = Set(delete.points.filter { !$0.isKept }.map(\.uuid))
    // Who made the links may have died before they were on disk.
    try repository.synchronize(delete.merges.map(\.volume))
    for manifest in delete.manifests { try rewrite(manifest) }
    try dropBitmapsOfEndingChain(pending.partial, points: doomed)
    let used = Set(
      try catalog().points.filter { !doomed.contains($0.manifest.uuid) }
        .flatMap { $0.manifest.volumes.map(\.name) })
    for point in delete.points {
      // Another manifest may have come to that name since.
      if try !point.isKept && isPublished(point.uuid, in: point.manifest) {
        try repository.delete(point.manifest)
        try repository.synchronize([])
      }
      for volume in point.volumes where !used.contains(volume) {
        try repository.delete(volume)
      }
    }
    try forget(pending)
  }

  /// Without any point left nothing will ever use the chain's bitmaps, nor remove them.
  ///
  /// It comes first, while a manifest still tells the chain: bitmaps of points that were deleted
  /// before are in it too. Should we die in between, the next backup is a full.
  private func dropBitmapsOfEndingChain(_ partial: Partial, points doomed: Set<String>) throws {
    let catalog = try catalog()
    let points = catalog.points(of: partial.domainUUID)
    guard points.allSatisfy({ doomed.contains($0.manifest.uuid) }),
      !catalog.pending(of: partial.domainUUID).contains(where: \.partial.isCreate),
      let guest = try hypervisor.guest(uuid: partial.domainUUID)
    else { return }
    let chains = Set(points.map(\.manifest.chain))
    try removeBitmaps(in: guest.monitor) { chains.contains($0.chain) }
  }

  private func refuseWhileRead(_ doomed: [Point], catalog: Catalog) throws {
    let uuids = Set(doomed.map(\.manifest.uuid))
    /// Whether a point is one of them or stands on one.
    func isOn(_ point: String, _ uuids: Set<String>) -> Bool {
      uuids.contains(point)
        || uuids.contains { uuid in
          catalog.descendants(of: uuid).contains { $0.manifest.uuid == point }
        }
    }
    for pending in catalog.pending {
      let reads: Bool
      switch pending.partial.operation {
      case .create(let manifest, _, _, _):
        reads = manifest.disks.contains { $0.parent.map(uuids.contains) ?? false }
      case .restore(let restore):
        reads = isOn(restore.point, uuids)
      case .live(let live):
        guard isOn(live.point, uuids) else { continue }
        throw BackupError(
          .busy,
          "Requested operation is not valid: domain '\(pending.partial.domainName)', which is being "
            + "restored from backup '\(pending.partial.pointName)', still stands on it")
      case .delete(let delete):
        reads =
          delete.points.contains { uuids.contains($0.uuid) }
          || delete.manifests.contains { uuids.contains($0.uuid) }
      case .session(let session):
        reads = session.stored.map { isOn($0, uuids) } ?? false
      }
      if reads {
        throw BackupError(
          .busy,
          "Requested operation is not valid: an operation on backup "
            + "'\(pending.partial.pointName)' is using it")
      }
    }
  }
}
