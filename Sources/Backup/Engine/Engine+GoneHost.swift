// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
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
    let gone = try catalog().pending(concerning: domainUUID).filter {
      try !context.isHere($0.partial)
    }
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
        try context.rethrowUnlessLocal(error)
        context.observer.notice("\(title) cannot be forgotten: \(error)")
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
      } else if try !Create(context).isWhole(pending, manifest) {
        guard try Create(context).decideUndo(pending) == .undo else {
          // Its images are whole.
          _ = try Create(context).writeManifest(context.measured(manifest), of: pending)
          break
        }
        if context.publishedManifest(nil, in: manifest.volumeNames.manifest) == nil {
          try context.repository.delete(manifest.volumeNames.manifest)
        }
        try context.discard(manifest.volumes.map(\.name), of: pending)
      }
    case .restore(let restore): tellLeft(restore.disks.map(\.temporaryPath))
    case .live(let live): tellLeft(live.disks.map(\.path))
    case .delete:
      // What moved is written down as it is; every point stays.
      return try Delete(context).undoMerge(pending)
    case .session: break
    case .verify: return try Verify(context).undo(pending)
    }
    try context.discard(
      partial.liveDisks.filter { $0.scratchDirectory == nil }.compactMap(\.scratchVolume),
      of: pending)
    tellLeft(
      partial.liveDisks.compactMap { disk in
        disk.scratchDirectory.flatMap { directory in
          disk.scratchVolume.map { "\(directory)/\($0)" }
        }
      })
    try context.forget(pending)
  }

  private func tellLeft(_ paths: [String]) {
    guard !paths.isEmpty else { return }
    context.observer.notice("left on that host: \(paths.joined(separator: ", "))")
  }
}
