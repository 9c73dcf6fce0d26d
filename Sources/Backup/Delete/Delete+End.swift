// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Other clients may have done something to an operation since it was read.
extension Delete {
  /// Tells that another client that lives has the helper domain of a delete, and so merges or is about
  /// to.
  ///
  /// One of which nothing is known counts as long as there are jobs.
  func isMergedElsewhere(_ pending: Catalog.Pending) throws -> Bool {
    // It may end at any time.
    guard let helper = try context.guest(of: pending.partial), let text = try? helper.definition(),
      let client = try? HelperDefinition.client(in: text).flatMap({ Partial.Owner(text: $0) }),
      client != process.owner
    else { return false }
    switch process.liveness(client) {
    case .alive: return true
    case .dead: return false
    case .unknown:
      return (try? helper.monitor.jobs(of: pending.partial))?.isEmpty == false
    }
  }

  /// A delete is done when nothing is left of what it takes away but, at most, volumes.
  func isDone(_ delete: Partial.Delete) throws -> Bool {
    try delete.points.allSatisfy { point in
      guard try context.pool.isPublished(point.uuid, in: point.manifest) else { return true }
      guard point.isKept, let rest = context.pool.publishedManifest(point.uuid, in: point.manifest)
      else {
        return false
      }
      return Set(rest.volumes.map(\.name)).isDisjoint(with: point.volumes)
    }
  }

  /// Tells that the manifest of a point has gone: the delete can only go on then.
  func hasBegun(_ delete: Partial.Delete) throws -> Bool {
    try delete.points.contains {
      try !$0.isKept && !context.pool.isPublished($0.uuid, in: $0.manifest)
    }
  }
}
