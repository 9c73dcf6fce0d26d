// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Which operations do not go with a delete.
///
/// A delete and what needs what it takes are both written down first and look at the pool again
/// after that: of two that do not go together at least one sees the other.
extension Catalog {
  /// Whether a delete takes away or rewrites what an operation needs.
  ///
  /// - Parameters:
  ///   - operation: The operation, which may be a delete too.
  ///   - delete: The delete.
  /// - Returns: Whether they must not go on together.
  package func isConcerned(_ operation: Partial, by delete: Partial.Delete) -> Bool {
    let doomed = Set(delete.points.map(\.uuid))
    switch operation.operation {
    case .create(let manifest, _, _, _):
      // What it stands on stays the same when something is merged into it.
      return manifest.disks.contains { $0.parent.map(doomed.contains) ?? false }
    case .restore(let restore): return stands(restore.point, on: doomed)
    case .live(let live): return stands(live.point, on: doomed)
    case .session(let session): return session.stored.map { stands($0, on: doomed) } ?? false
    case .verify(let verify) where verify.disks.isEmpty:
      return doomed.union(delete.merges.map(\.point)).contains(verify.point)
    case .verify(let verify): return stands(verify.point, on: doomed)
    case .delete(let other):
      let theirs = Set(other.points.map(\.uuid))
      let merged = delete.merges.map(\.point), theirMerged = other.merges.map(\.point)
      return !doomed.isDisjoint(with: theirs.union(theirMerged)) || !theirs.isDisjoint(with: merged)
        || merged.contains { stands($0, on: theirs.union(theirMerged)) }
        || theirMerged.contains { stands($0, on: doomed.union(merged)) }
    }
  }

  /// Whether a point is one of these or stands on one, by any disk.
  package func stands(_ point: String, on points: Set<String>) -> Bool {
    var seen: Set<String> = []
    var open = [point]
    while let next = open.popLast() {
      if points.contains(next) { return true }
      guard seen.insert(next).inserted, let found = self.point(uuid: next) else { continue }
      open += found.manifest.disks.compactMap(\.parent)
    }
    return false
  }

  /// Whether a point goes, by a delete that is under way.
  package func isDoomed(_ point: String) -> Bool {
    pending.contains { pending in
      guard let delete = pending.partial.delete else { return false }
      return delete.points.contains { $0.uuid == point }
    }
  }
}

extension Partial {
  /// The points that it stands on or reads, with the disks that count and whether their data is read.
  package var needs: [(point: String, disks: Set<String>, isRead: Bool)] {
    switch operation {
    case .create(let manifest, _, _, _):
      manifest.disks.compactMap { disk in disk.parent.map { ($0, [disk.name], false) } }
    case .restore(let restore): [(restore.point, Set(restore.disks.map(\.name)), true)]
    case .live(let live): [(live.point, Set(live.disks.map(\.name)), true)]
    case .session(let session):
      session.stored.map { [($0, Set(session.disks.map(\.disk.name)), true)] } ?? []
    case .verify(let verify): [(verify.point, Set(verify.disks), true)]
    case .delete: []
    }
  }
}
