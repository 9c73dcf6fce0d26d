// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Session {
  /// As ``Engine/finishSession(domainUUID:name:isFailed:forgets:)``, once the domain is settled.
  func finish(
    domainUUID: String, name: String?, isFailed: Bool, forgets: Bool
  ) throws -> String? {
    let active = try catalog().pending(of: domainUUID).filter {
      try $0.partial.session != nil && journal.isHere($0.partial)
    }
    let found = active.first { name == nil || $0.partial.pointName == name }
    if active.count > 1, name == nil {
      let names = active.map { "'\($0.partial.pointName)'" }.sorted().joined(separator: ", ")
      throw BackupError(
        .invalid, "the domain has several sessions (\(names)); --backupname says which")
    }
    if let found {
      let keepsBitmap = !isFailed && !forgets
      if keepsBitmap { try refuseDamaged(found) }
      let kept = try endSession(found, keepsBitmap: keepsBitmap)
      if !forgets {
        guard kept == keepsBitmap else {
          throw BackupError.ended(found.partial, asFailed: kept.map(!))
        }
        return found.partial.pointName
      }
    } else if !forgets {
      throw BackupError(
        .notFound,
        name.map { "Domain backup not found: no NBD session with matching name '\($0)'" }
          ?? "Requested operation is not valid: no NBD session of the domain is active")
    }
    let forgotten = found == nil ? name : nil
    let dropped = try removeSessionBitmaps(of: domainUUID, disks: nil) {
      forgotten == nil || $0.session == forgotten
    }
    if let forgotten, dropped.isEmpty {
      throw BackupError(
        .notFound, "Domain backup not found: no NBD session with matching name '\(forgotten)'")
    }
    return found?.partial.pointName
  }
}
