// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Journal {
  /// Tells that an operation is of the libvirt that we are connected to: a pool can have operations of
  /// others that use it.
  package func isHere(_ partial: Partial) throws -> Bool {
    process.isHere(partial, try hypervisor.host())
  }

  /// Finds the operations of this host that work on a domain's own disks.
  ///
  /// An operation that another host left cannot be running: the domain is here.
  package func ownPending(of domainUUID: String, in catalog: Catalog) throws -> [Partial] {
    try catalog.pending(of: domainUUID).map(\.partial).filter {
      try $0.occupiesDomain && isHere($0)
    }
  }

  /// Refuses an operation that was just written down and does not go with what others wrote down or
  /// did meanwhile.
  ///
  /// Another client may have looked at the same time and seen nothing: now at least one of both sees
  /// the other.
  ///
  /// - Parameters:
  ///   - partial: The operation.
  ///   - planned: The pool as it was when the operation was decided on.
  /// - Throws: ``BackupError`` with code `busy`, or `notFound` where what it needs is gone.
  func refuseConflicts(of partial: Partial, planned: Catalog?) throws {
    let needs = partial.needs
    let lineage = Set(
      needs.flatMap { [$0.point] + (planned?.lineage(of: $0.point).map(\.manifest.uuid) ?? []) })
    // Another client may have rewritten or deleted them since.
    pool.forgetManifests { manifest in
      partial.isDelete && manifest.domainUUID == partial.domainUUID
        || lineage.contains(manifest.uuid)
    }
    let isFresh = !needs.isEmpty || partial.isDelete
    let catalog = try pool.catalog(refresh: isFresh && !repository.isReadDirectly)
    guard catalog.pending.contains(where: { $0.partial.uuid == partial.uuid }) else {
      throw BackupError(.busy, "another client ended the operation before it began; try again")
    }
    let others = try ownPending(of: partial.domainUUID, in: catalog)
    if partial.occupiesDomain, let other = others.first(where: { $0.uuid != partial.uuid }) {
      throw BackupError.occupied(by: other)
    }
    if let delete = partial.delete {
      try refuseWhileUsed(delete, besides: partial.uuid, in: catalog)
    }
    for pending in catalog.pending where pending.partial.uuid != partial.uuid {
      guard let delete = pending.partial.delete, !partial.isDelete,
        catalog.isConcerned(partial, by: delete)
      else { continue }
      throw BackupError(
        .busy,
        "Requested operation is not valid: backup '\(pending.partial.pointName)' is being deleted; "
          + "see backup-jobinfo")
    }
    for need in needs { try refuseMissing(need.point, need, planned: planned, in: catalog) }
  }

  /// Refuses a point that is gone or stands on something else than when an operation was planned.
  private func refuseMissing(
    _ uuid: String, _ need: (point: String, disks: Set<String>, isRead: Bool), planned: Catalog?,
    in catalog: Catalog
  ) throws {
    let before = planned?.point(uuid: uuid)
    guard let point = catalog.point(uuid: uuid) else {
      throw BackupError(
        .notFound, "backup '\(before?.manifest.name ?? uuid)' was deleted meanwhile")
    }
    for disk in point.manifest.disks where need.disks.contains(disk.name) {
      let chain = try catalog.chain(of: point, disk: disk.name).map(\.volume.name)
      let known = try before.flatMap { try planned?.chain(of: $0, disk: disk.name) }
      guard chain.allSatisfy(catalog.volumes.contains),
        !need.isRead || known == nil || known?.map(\.volume.name) == chain
      else {
        throw BackupError(
          .busy,
          "Requested operation is not valid: what backup '\(point.manifest.name)' stands on was "
            + "deleted meanwhile; try again")
      }
    }
  }

  /// Refuses a delete of what a user protected, and one while an operation needs what it takes away or
  /// rewrites.
  ///
  /// - Parameters:
  ///   - delete: The delete.
  ///   - operation: UUID of the delete, where it is written down.
  ///   - catalog: The pool.
  /// - Throws: ``BackupError`` with code `busy` that names the point or the operation.
  package func refuseWhileUsed(
    _ delete: Partial.Delete, besides operation: String?, in catalog: Catalog
  ) throws {
    let doomed = delete.points.compactMap { catalog.point(uuid: $0.uuid)?.manifest }
    if let manifest = doomed.first(where: \.isProtected) { throw BackupError.protected(manifest) }
    for pending in catalog.pending where pending.partial.uuid != operation {
      guard catalog.isConcerned(pending.partial, by: delete) else { continue }
      if pending.partial.liveRestore != nil {
        throw BackupError(
          .busy,
          "Requested operation is not valid: domain '\(pending.partial.domainName)', which is being "
            + "restored from backup '\(pending.partial.pointName)', still stands on it")
      }
      let domain = pending.partial.domainName
      throw BackupError(
        .busy,
        "Requested operation is not valid: \(pending.partial.title) is using it; "
          + (pending.partial.session == nil
            ? "backup-jobinfo \(domain) shows it, backup-jobabort \(domain) ends it"
            : "backup-finish-nbd \(domain) --backupname \(pending.partial.pointName) ends it"))
    }
  }
}
