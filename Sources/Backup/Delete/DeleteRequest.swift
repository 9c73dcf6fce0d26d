// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The choice of a delete between the points that are named and their descendants.
package enum DeleteScope: Sendable {
  /// The points that are named, alone.
  case point
  /// The points that are named, and their descendants.
  case withChildren
  /// The descendants alone.
  case childrenOnly
}

/// A point that a delete has taken away, or disks of one.
package struct Deleted: Sendable, Equatable {
  /// Name of the point.
  package var point: String
  /// The disks whose data is gone; nil where nothing of the point is left.
  package var disks: [String]?
}

/// A delete as the user asks for it.
struct DeleteRequest: Equatable {
  /// The points that are named, each once, all of one domain.
  var points: [Point]
  /// The choice of those that go: the named points, their descendants, or both.
  var scope: DeleteScope
  /// The disks whose data goes; nil for all, and everything else of the points.
  var disks: Set<String>?

  /// Takes what was asked for.
  ///
  /// - Parameters:
  ///   - points: The points, as a user named them: one may be there twice.
  ///   - scope: What goes with them.
  ///   - disks: The disks; empty for all.
  /// - Throws: ``BackupError`` where a point has not one of the disks, or where the points are not
  ///   of one domain.
  init(_ points: [Point], scope: DeleteScope, disks: [String]) throws {
    var seen: Set<String> = []
    self.points = points.filter { seen.insert($0.manifest.uuid).inserted }
    self.scope = scope
    self.disks = disks.isEmpty ? nil : Set(disks)
    for point in points {
      if let unknown = disks.first(where: { !point.has($0) }) {
        throw BackupError(
          .notFound, "backup '\(point.manifest.name)' has no disk named '\(unknown)'")
      }
    }
    guard Set(points.map(\.manifest.domainUUID)).count < 2 else {
      throw BackupError(.invalid, "the backups to delete are not of one domain")
    }
  }

  /// The same of another look at the pool.
  ///
  /// - Throws: ``BackupError`` with code `busy` where a point is not there any more.
  func again(in catalog: Catalog) throws -> DeleteRequest {
    var request = self
    request.points = try points.map { point in
      guard let now = catalog.point(uuid: point.manifest.uuid) else { throw meanwhile }
      return now
    }
    return request
  }

  /// The names, for people.
  var names: String { points.map { "'\($0.manifest.name)'" }.joined(separator: ", ") }

  /// The refusal where the pool is not what the delete was decided on any more.
  var meanwhile: BackupError {
    BackupError(
      .busy,
      "Requested operation is not valid: another client changed what stands on backup "
        + "\(names); try again")
  }
}
