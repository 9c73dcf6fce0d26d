// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Context {
  /// Refuses while something else works on the domain.
  ///
  /// Nobody else refuses for us: QEMU and libvirt would let two jobs run at once.
  ///
  /// - Throws: ``BackupError`` with code `busy` that names what it is.
  package func refuseWhileBusy(_ guest: any Guest, domainUUID: String, catalog: Catalog) throws {
    if let other = try journal.ownPending(of: domainUUID, in: catalog).first {
      throw BackupError.occupied(by: other)
    }
    if let job = try guest.activeJob() {
      throw BackupError(
        .busy, "Requested operation is not valid: the domain has an active job (\(job))")
    }
    let names = try guest.monitor.blockNodes().map(\.nodeName)
    // A client that was killed may have left a probe; a client that still needs it makes another.
    for probe in names where NodeNames.isProbe(probe) { try guest.monitor.close(probe) }
    if let operation = names.lazy.filter({ !NodeNames.isProbe($0) }).compactMap(
      OperationID.init(parsing:)
    ).first {
      throw try otherPoolsOperation(operation)
        ?? BackupError(
          .busy,
          "Requested operation is not valid: a backup of the domain into another pool has not ended; "
            + "see backup-jobinfo with --pool")
    }
    if let job = try guest.monitor.jobs().first {
      throw BackupError(
        .busy,
        "Requested operation is not valid: the domain has an active block job (\(job.type), "
          + "'\(job.id)')")
    }
  }

  /// The refusal that names an operation of another pool, by what is in its nodes' names.
  private func otherPoolsOperation(_ operation: OperationID) throws -> BackupError? {
    for other in try hypervisor.repositories() where other.directory != repository.directory {
      let pending = (try? Catalog(of: other, refresh: false))?.pending ?? []
      if let found = pending.first(where: { $0.partial.id == operation }) {
        return BackupError.occupied(by: found.partial, pool: other.name)
      }
    }
    return nil
  }
}
