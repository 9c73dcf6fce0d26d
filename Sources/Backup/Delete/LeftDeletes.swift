// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The deletes that clients left on a domain, as they were before they were settled.
///
/// A user whose delete was killed gives the same command again. Settling has ended that delete by the
/// time the command comes to its own work, so that what was named may be gone: that is what the
/// command was asked for, and no error.
struct LeftDeletes {
  private let deletes: [(operation: String, delete: Partial.Delete)]

  /// Reads the deletes that are under way on a domain.
  init(of domainUUID: String, in catalog: Catalog) {
    deletes = catalog.pending(of: domainUUID).compactMap { pending in
      pending.partial.delete.map { (pending.partial.uuid, $0) }
    }
  }

  /// The part of what was named that is left to delete, and the part that went already.
  struct Rest {
    /// The points that are still there.
    var points: [Point] = []
    /// The disks of them that are still there; empty where all of a point goes.
    var disks: [String]
    /// The points and disks that a delete which was left has taken away.
    var gone: [Deleted] = []
  }

  /// Finds what is left to delete.
  ///
  /// - Parameters:
  ///   - names: Names or UUIDs of points.
  ///   - disks: The disks whose data goes; empty for all.
  ///   - scope: What goes with them.
  ///   - settled: What became of each operation on the domain.
  ///   - domainUUID: The domain.
  ///   - catalog: The pool, after settling.
  /// - Returns: The rest.
  /// - Throws: ``BackupError`` with code `notFound` for a name that is neither there nor was deleted,
  ///   `busy` where another client deletes it now, and `invalid` where it went without the points that
  ///   were to go with it.
  func rest(
    of names: [String], disks: [String], scope: DeleteScope, settled: [String: Settlement],
    domainUUID: String, in catalog: Catalog
  ) throws -> Rest {
    let finished = deletes.filter { settled[$0.operation] == .finished }.map(\.delete)
    var rest = Rest(disks: disks)
    for name in names {
      if let point = try? catalog.point(name, of: domainUUID) {
        rest.points.append(point)
      } else if let gone = try LeftDeletes.taken(name, by: finished, scope) {
        rest.gone += gone.filter { !rest.gone.contains($0) }
      } else if deletes.contains(where: { $0.delete.taking(name) != nil }) {
        throw BackupError(
          .busy,
          "Requested operation is not valid: backup '\(name)' is being deleted; backup-jobinfo "
            + "shows how far that is")
      } else {
        // Says that there is none.
        _ = try catalog.point(name, of: domainUUID)
      }
    }
    if !disks.isEmpty { rest.leaveOut(finished) }
    return rest
  }

  /// Lists what went with a point of that name; nil where no delete that has ended took it.
  private static func taken(
    _ name: String, by finished: [Partial.Delete], _ scope: DeleteScope
  ) throws -> [Deleted]? {
    guard scope != .childrenOnly,
      let delete = finished.first(where: { $0.taking(name) != nil }),
      let point = delete.taking(name)
    else { return nil }
    guard scope == .point || delete.leavesNone else {
      throw BackupError(
        .invalid,
        "backup '\(name)' is deleted as an earlier command asked, without those that stood on "
          + "it; backup-list shows them")
    }
    let all = scope == .point ? [point] : delete.points.filter { !$0.isKept }
    return all.map { Deleted(point: $0.name ?? name, disks: nil) }
  }
}

extension LeftDeletes.Rest {
  /// Leaves out the disks that deletes have taken away of every point.
  fileprivate mutating func leaveOut(_ finished: [Partial.Delete]) {
    let lost = disks.filter { disk in
      points.allSatisfy { point in
        !point.has(disk) && finished.contains { $0.took(disk, of: point) }
      }
    }
    guard !lost.isEmpty, !points.isEmpty else { return }
    gone += points.map { Deleted(point: $0.manifest.name, disks: lost) }
    disks.removeAll { lost.contains($0) }
    if disks.isEmpty { points = [] }
  }
}

extension Partial.Delete {
  /// Finds the point of that name or UUID among those that go as a whole.
  func taking(_ name: String) -> Partial.DeletePoint? {
    points.first { !$0.isKept && ($0.name == name || $0.uuid == name.lowercased()) }
  }

  /// True where every point that stood on those that go went too.
  fileprivate var leavesNone: Bool {
    Set(manifests.map(\.uuid)).isSubset(of: points.map(\.uuid))
  }

  /// Tells that it took the data of a disk, of a point that stays with others.
  fileprivate func took(_ disk: String, of point: Point) -> Bool {
    points.contains {
      $0.isKept && $0.uuid == point.manifest.uuid
        && $0.volumes.contains(point.manifest.volumeNames.disk(disk))
    }
  }
}

extension Catalog {
  /// Name of a backup that a user means to delete: one that is there, or that a delete which is under
  /// way takes.
  ///
  /// - Parameters:
  ///   - text: The name or UUID.
  ///   - domainUUID: The domain.
  ///   - domain: What the user called it.
  /// - Returns: The name.
  /// - Throws: ``BackupError`` with code `notFound`.
  package func nameToDelete(
    _ text: String, of domainUUID: String, named domain: String
  ) throws -> String {
    if let point = try? point(text, of: domainUUID) { return point.manifest.name }
    let taken = pending(of: domainUUID).lazy.compactMap { $0.partial.delete?.taking(text) }.first
    // Says that there is none.
    guard let taken else {
      return try point(text, of: domainUUID, named: domain).manifest.name
    }
    return taken.name ?? text
  }
}
