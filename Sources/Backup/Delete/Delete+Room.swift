// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Room for what a delete copies, asked for before it begins.
extension Delete {
  /// Refuses a delete for which the pool has no room.
  ///
  /// - Throws: ``BackupError`` with code `failed`, with the figure and the ways out.
  func refuseWithoutRoom(
    _ plan: DeletePlan, _ request: DeleteRequest, in catalog: Catalog
  ) throws {
    let needed = try plan.runs.reduce(0) { try $0 + room(for: $1) }
    guard needed > 0 else { return }
    let available = try repository.available()
    guard needed > available else { return }
    let named = Set(request.points.map(\.manifest.uuid))
    let domain = request.points.first?.manifest.domainUUID ?? ""
    // One on which nothing stands is merged into nothing.
    let leaf = catalog.points(of: domain).dropLast().filter { point in
      !named.contains(point.manifest.uuid) && !point.manifest.isProtected
        && catalog.children(of: point.manifest.uuid).isEmpty
    }.max { $0.size < $1.size }
    let other = leaf.map { "; deleting backup '\($0.manifest.name)' first frees some" } ?? ""
    throw BackupError(
      .failed,
      "there is no room in pool '\(repository.name)': what stands on backup \(request.names) takes "
        + "over up to \(needed) bytes, and \(available) are free; backup-delete --children, which "
        + "deletes that too, needs none\(other)")
  }

  /// Bytes that an image takes over of those of a run, at most.
  private func room(for run: MergeRun) throws -> UInt64 {
    let target = run.chain[0].volume.name
    if repository.isReadDirectly,
      let room = try Qcow2Room(
        of: run.gone.map { disk in
          { try repository.read(disk.volume.name, offset: $0, length: $1) }
        },
        into: { try repository.read(target, offset: $0, length: $1) }, overwrites: false)
    {
      return room.bytes
    }
    return run.gone.map(\.volume).reduce(0) { $0 + max($1.size, ($1.clusters ?? 0) << 16) }
  }
}
