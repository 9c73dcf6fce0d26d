// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

extension Context {
  /// Refuses while something else works on the domain.
  ///
  /// Nobody else refuses for us: QEMU and libvirt would let two jobs run at once.
  ///
  /// - Throws: ``BackupError`` with code `busy` that names what it is.
  package func refuseWhileBusy(_ guest: any Guest, domainUUID: String, catalog: Catalog) throws {
    if let other = try ownPending(of: domainUUID, in: catalog).first {
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

  /// Finds the operations of this host that work on a domain's own disks.
  ///
  /// An operation that another host left cannot be running: the domain is here.
  package func ownPending(of domainUUID: String, in catalog: Catalog) throws -> [Partial] {
    try catalog.pending(of: domainUUID).map(\.partial).filter {
      try $0.occupiesDomain && isHere($0)
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

  /// Writes down an operation.
  ///
  /// - Parameters:
  ///   - partial: The operation.
  ///   - volume: Where it is written down.
  ///   - planned: The pool as it was when the operation was decided on; nil for as it was seen last.
  /// - Returns: The operation, as later clients will find it.
  /// - Throws: ``BackupError`` with code `busy` or `notFound` where another client was faster; the
  ///   operation is not written down then.
  package func begin(
    _ partial: Partial, in volume: String, planned: Catalog? = nil
  ) throws -> Catalog.Pending {
    note(partial)
    let planned = planned ?? lastCatalog
    do {
      try repository.write(volume, Array(try partial.xml().utf8))
    } catch let error as BackupError where error.code == .exists {
      throw BackupError.occupied(by: partial)
    }
    let pending = Catalog.Pending(volume: volume, partial: partial)
    do {
      try refuseConflicts(of: partial, planned: planned)
    } catch {
      try deletePartial(of: pending)
      throw error
    }
    return pending
  }

  /// An operation under way is written down as it was: no other client has ended it, after which
  /// another one may have come to its name.
  ///
  /// Callers ask before they delete anything by a name that a later operation could have too.
  ///
  /// - Throws: What libvirt throws where that cannot be found out.
  package func isUnderWay(_ pending: Catalog.Pending) throws -> Bool {
    try holder(of: pending) == .own
  }

  /// Ends an operation that is done or undone.
  ///
  /// The partial goes first: a mark without it says nothing, while a partial without its mark would
  /// say that what was made is not whole. Where another operation has its name by now they are that
  /// one's.
  package func forget(_ pending: Catalog.Pending) throws {
    try deletePartial(of: pending)
    if pending.partial.isCreate { try repository.delete(pending.decided) }
    guard try holder(of: pending) == .nobody else { return }
    try repository.delete(pending.mark)
    if case .delete = pending.partial.operation { try repository.delete(pending.mergedNote) }
    try forgetMade(pending)
    guard pending.partial.restore?.isAsync == true else { return }
    var number = 1
    while try repository.contains(pending.claim(number)) {
      try repository.delete(pending.claim(number))
      number += 1
    }
  }

  /// Tells that nobody will go on with an operation that has no jobs.
  package func isAbandoned(_ pending: Catalog.Pending) throws -> Bool {
    if pending.partial.owner == process.owner { return true }
    switch process.liveness(pending.partial.owner) {
    case .dead: return true
    // However long it takes.
    case .alive: return false
    case .unknown: break
    }
    return try repository.age(of: pending.volume) > Context.setupLimit
  }

  /// Refuses to go on with an operation that another client has ended.
  ///
  /// - Throws: ``BackupError`` with code `busy`.
  package func requireUnderWay(_ pending: Catalog.Pending) throws {
    guard try !isUnderWay(pending) else { return }
    throw BackupError(.busy, "another client ended \(pending.partial.title)")
  }
}
