// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
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

/// Deletes points, and merges what others need of them before.
struct Delete: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Delete {
  /// As ``Engine/delete(_:scope:disks:isAsync:deadline:)``, once the domain is settled.
  func run(
    _ point: Point, scope: DeleteScope, disks: [String], isAsync: Bool,
    deadline: ContinuousClock.Instant?
  ) throws -> [Deleted]? {
    let domainUUID = point.manifest.domainUUID
    let catalog = try catalog()
    if let unknown = disks.first(where: { !point.has($0) }) {
      throw BackupError(
        .notFound, "backup '\(point.manifest.name)' has no disk named '\(unknown)'")
    }
    let chosen = disks.isEmpty ? nil : Set(disks)
    let decision = try decide(point, scope: scope, disks: chosen, in: catalog)
    guard !decision.doomed.isEmpty else { return [] }
    try context.refuseWhileUsed(decision.delete, besides: nil, in: catalog)
    do {
      for (_, chain) in decision.chains { try context.checkChain(chain, in: catalog) }
    } catch let error as BackupError {
      throw BackupError(
        error.code,
        "\(error); what stands on backup '\(point.manifest.name)' cannot take over what it needs, "
          + "--children deletes it too")
    }
    try context.refuseNeeded(decision.delete, isMerged: false, in: catalog)

    let uuid = process.newUUID()
    let partial = Partial(
      uuid: uuid, pointName: point.manifest.name, domainName: point.manifest.domainName,
      domainUUID: domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: process.time(),
      helper: decision.delete.merges.isEmpty ? nil : Context.helperName(operation: uuid),
      operation: .delete(decision.delete))
    let pending = try context.begin(
      partial, in: point.manifest.volumeNames.partial(operation: uuid), planned: catalog)
    do {
      try confirm(decision, of: point, scope: scope, disks: chosen)
    } catch {
      try repository.delete(pending.volume)
      throw error
    }
    do {
      if isAsync {
        try repository.write(pending.mark, Array("async\n".utf8))
        if try startMerge(pending, outlivesClient: true) != nil { return nil }
      } else {
        try merge(pending, deadline: deadline)
      }
    } catch {
      // Every point is still whole. What moved already is written down as it is.
      let cause = context.cause(of: error, deadline: deadline)
      do {
        try undoMerge(pending)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      // Another client may have been faster with all of it.
      guard try !context.isUnderWay(pending), try isDone(decision.delete) else { throw cause }
    }
    do {
      try perform(pending)
    } catch {
      // Another client was faster with all of it.
      guard try !context.isUnderWay(pending), try isDone(decision.delete) else { throw error }
    }
    return decision.doomed.map { point in
      Deleted(
        point: point.manifest.name,
        disks: catalog.rest(of: point, without: chosen) == nil
          ? nil : point.manifest.disks.map(\.name).filter { disks.contains($0) })
    }
  }

  /// What a delete takes away and what becomes of the rest.
  private struct DeleteDecision {
    /// The points, in the order in which they go.
    var doomed: [Point]
    /// The same and the rest, as it is written down.
    var delete: Partial.Delete
    /// What the volumes that take something over are made of before.
    var chains: [(disk: String, chain: [Manifest.Disk])]
  }

  private func decide(
    _ point: Point, scope: DeleteScope, disks: Set<String>?, in catalog: Catalog
  ) throws -> DeleteDecision {
    let descendants = catalog.descendants(of: point.manifest.uuid)
    var doomed: [Point]
    switch scope {
    case .point: doomed = [point]
    case .withChildren: doomed = Array(descendants.reversed()) + [point]
    case .childrenOnly: doomed = descendants.reversed()
    }
    if let disks { doomed.removeAll { !disks.contains(where: $0.has) } }
    let merged = scope == .point ? try Merged(point, disks: disks, catalog: catalog) : Merged()
    return DeleteDecision(
      doomed: doomed,
      delete: .init(
        points: doomed.map { point in
          let rest = catalog.rest(of: point, without: disks)?.volumes ?? []
          return .init(
            uuid: point.manifest.uuid, manifest: point.manifestVolume,
            volumes: point.manifest.volumes.filter { !rest.contains($0) }.map(\.name),
            isKept: !rest.isEmpty)
        }, merges: merged.merges,
        // Those that stand on others first.
        manifests: merged.manifests + doomed.compactMap { catalog.rest(of: $0, without: disks) }),
      chains: merged.chains)
  }

  /// Asks again, once a delete is written down, what it was decided on: another client may have made
  /// a point, or a user an image, that stands on what goes.
  ///
  /// - Throws: ``BackupError`` with code `busy`.
  private func confirm(
    _ decision: DeleteDecision, of point: Point, scope: DeleteScope, disks: Set<String>?
  ) throws {
    guard let catalog = context.lastCatalog, let now = catalog.point(uuid: point.manifest.uuid),
      try decide(now, scope: scope, disks: disks, in: catalog).delete == decision.delete
    else {
      throw BackupError(
        .busy,
        "Requested operation is not valid: another client changed what stands on backup "
          + "'\(point.manifest.name)'; try again")
    }
    try context.refuseNeeded(decision.delete, isMerged: false, in: catalog)
  }

  /// Asks the same for a delete whose client is dead and may not have come to it.
  private func confirm(_ pending: Catalog.Pending, _ delete: Partial.Delete) throws {
    let catalog = try catalog()
    try context.refuseWhileUsed(delete, besides: pending.partial.uuid, in: catalog)
    try context.refuseNeeded(delete, isMerged: false, in: catalog)
  }

  func settleDelete(_ pending: Catalog.Pending) throws -> Settlement {
    guard case .delete(let delete) = pending.partial.operation else { return .running }
    do {
      return try settle(pending, delete)
    } catch {
      // Where a third client was faster or is at it, what it did counts.
      if try isMergedElsewhere(pending) { return .running }
      guard try !context.isUnderWay(pending) else { throw error }
      return try isDone(delete) ? .finished : .undone
    }
  }

  /// Settles a delete that was under way when the pool was read.
  private func settle(
    _ pending: Catalog.Pending, _ delete: Partial.Delete
  ) throws -> Settlement {
    if try isMergedElsewhere(pending) { return .running }
    if let settlement = try settleAsyncDelete(pending, delete) { return settlement }
    if process.liveness(pending.partial.owner) != .dead,
      let helper = try context.guest(of: pending.partial),
      try !context.jobs(of: pending.partial, in: helper.monitor).isEmpty
    {
      return .running
    }
    guard try context.isAbandoned(pending) else { return .running }
    return try settling(pending, delete) {
      if try !hasBegun(delete) { try confirm(pending, delete) }
      try merge(pending, deadline: nil)
    }
  }

  /// Whether a delete has taken something away: it can only go on then.
  private func hasBegun(_ delete: Partial.Delete) throws -> Bool {
    try delete.points.contains { try !$0.isKept && !context.isPublished($0.uuid, in: $0.manifest) }
  }

  /// Ends a delete that another client left, or leaves what it would take where that is needed now.
  private func settling(
    _ pending: Catalog.Pending, _ delete: Partial.Delete, _ prepare: () throws -> Void
  ) throws -> Settlement {
    do {
      try prepare()
      try perform(pending)
      return .finished
    } catch let error as BackupError where error.code == .busy {
      if try isMergedElsewhere(pending) { return .running }
      let isLeft = try context.isUnderWay(pending)
      if try !isLeft && isDone(delete) { return .finished }
      observer.notice("backup '\(pending.partial.pointName)' is not deleted: \(error)")
      if isLeft { try undoMerge(pending) }
      return .undone
    }
  }

  /// Settles a delete that goes on without its client, by its jobs.
  ///
  /// - Returns: What became of it; nil where they say nothing.
  private func settleAsyncDelete(
    _ pending: Catalog.Pending, _ delete: Partial.Delete
  ) throws -> Settlement? {
    guard try repository.contains(pending.mark),
      let helper = try context.guest(of: pending.partial)
    else { return nil }
    let jobs = try context.jobs(of: pending.partial, in: helper.monitor)
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
    return try settling(pending, delete) { try merge(pending, deadline: nil) }
  }

  /// Cancels a delete that copies.
  func abortDelete(_ pending: Catalog.Pending, in helper: any Guest) throws {
    try context.cancelJobs(of: pending.partial, in: helper)
    // A client that waits for its own delete sees the end of the jobs and does this itself.
    if try repository.contains(pending.mark) || process.liveness(pending.partial.owner) == .dead {
      try undoMerge(pending)
    }
  }

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
  private func perform(_ pending: Catalog.Pending) throws {
    guard case .delete(let delete) = pending.partial.operation else { return }
    let doomed = Set(delete.points.filter { !$0.isKept }.map(\.uuid))
    try context.requireUnderWay(pending)
    // Who made the links may have died before they were on disk.
    try repository.synchronize(delete.merges.map(\.volume))
    let kept = Set(delete.points.filter(\.isKept).map(\.uuid))
    for manifest in delete.manifests where !kept.contains(manifest.uuid) {
      try rewrite(manifest, of: pending)
    }
    if try !delete.merges.isEmpty && !hasBegun(delete) {
      do {
        try context.refuseNeeded(delete, isMerged: true, in: catalog())
      } catch {
        try context.forget(pending)
        throw error
      }
    }
    for manifest in delete.manifests where kept.contains(manifest.uuid) {
      try rewrite(manifest, of: pending)
    }
    for point in delete.points { context.forgetManifest(in: point.manifest) }
    try dropBitmapsOfEndingChain(pending.partial, points: doomed)
    for point in delete.points where !point.isKept {
      try context.requireUnderWay(pending)
      // Another manifest may have come to that name since.
      if try context.isPublished(point.uuid, in: point.manifest) {
        try repository.delete(point.manifest)
        try repository.synchronize([])
      }
    }
    try context.requireUnderWay(pending)
    try context.discard(delete.points.flatMap(\.volumes), of: pending)
    // Through libvirt a manifest is not whole while it is replaced, and who does that may be killed.
    for manifest in delete.manifests
    where context.publishedManifest(manifest.uuid, in: manifest.volumeNames.manifest) == nil {
      try rewrite(manifest, of: pending)
    }
    try context.forget(pending)
  }

  /// Without any point left nothing will ever use the chain's bitmaps, nor remove them.
  ///
  /// It comes first, while a manifest still tells the chain: bitmaps of points that were deleted
  /// before are in it too. Should we die in between, the next backup is a full.
  private func dropBitmapsOfEndingChain(_ partial: Partial, points doomed: Set<String>) throws {
    guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else { return }
    let (bitmaps, catalog) = try context.settledBitmaps(in: guest.monitor)
    let points = catalog.points(of: partial.domainUUID)
    guard points.allSatisfy({ doomed.contains($0.manifest.uuid) }),
      !catalog.pending(of: partial.domainUUID).contains(where: \.partial.isCreate)
    else { return }
    let chains = Set(points.map(\.manifest.chain))
    try context.removeBitmaps(in: guest.monitor) {
      bitmaps.contains($0) && chains.contains($0.chain)
    }
  }
}
