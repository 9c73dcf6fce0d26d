// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// What becomes of the operations of a host that is gone for good.
extension Engine {
  /// Forgets what other hosts have under way on a domain, and deletes what of it is in the pool and
  /// belongs to no backup.
  ///
  /// No domain of this host is asked or touched: the one of that UUID here may be a clone.
  ///
  /// - Returns: What was forgotten, a line each.
  /// - Throws: ``BackupError`` with code `notFound` where no other host has anything under way.
  package func forgetGoneHosts(domainUUID: String) throws -> [String] {
    let gone = try catalog().pending(concerning: domainUUID).filter { try !isHere($0.partial) }
    guard !gone.isEmpty else {
      throw BackupError(
        .notFound,
        "Requested operation is not valid: no operation of another host is under way on the domain")
    }
    return try gone.compactMap { pending in
      let title = "\(pending.partial.title) on host '\(pending.partial.host.title)'"
      do {
        try forgetGone(pending)
        return "\(title) forgotten"
      } catch {
        try rethrowUnlessLocal(error)
        observer.notice("\(title) cannot be forgotten: \(error)")
        return nil
      }
    }
  }

  private func forgetGone(_ pending: Catalog.Pending) throws {
    let partial = pending.partial
    switch partial.operation {
    case .create(let manifest, let disks, _, _):
      if partial.isCopy {
        tellLeft(disks.compactMap(\.target?.path))
      } else if try !isWhole(pending, manifest) {
        if publishedManifest(nil, in: manifest.volumeNames.manifest) == nil {
          try repository.delete(manifest.volumeNames.manifest)
        }
        try deleteUnowned(manifest.volumes.map(\.name), besides: partial.uuid)
      }
    case .restore(let restore): tellLeft(restore.disks.map(\.temporaryPath))
    case .live(let live): tellLeft(live.disks.map(\.path))
    case .delete:
      // What moved is written down as it is; every point stays.
      return try undoMerge(pending)
    case .session: break
    }
    try deleteUnowned(
      partial.liveDisks.filter { $0.scratchDirectory == nil }.compactMap(\.scratchVolume),
      besides: partial.uuid)
    tellLeft(
      partial.liveDisks.compactMap { disk in
        disk.scratchDirectory.flatMap { directory in
          disk.scratchVolume.map { "\(directory)/\($0)" }
        }
      })
    try forget(pending)
  }

  private func tellLeft(_ paths: [String]) {
    guard !paths.isEmpty else { return }
    observer.notice("left on that host: \(paths.joined(separator: ", "))")
  }

  /// Deletes volumes of the pool, but none that is of a backup, whether it is whole or under way, and
  /// none that something needs.
  private func deleteUnowned(_ volumes: [String], besides operation: String) throws {
    let catalog = try catalog()
    let others = catalog.pending.map(\.partial).filter { $0.uuid != operation }
    let made = others.flatMap { other -> [String] in
      guard case .create(let manifest, _, _, _) = other.operation else { return [] }
      return manifest.volumes.map(\.name)
    }
    let owned = Set(catalog.points.flatMap(\.manifest.volumes).map(\.name) + made)
    try discard(volumes.filter { !owned.contains($0) })
  }
}
