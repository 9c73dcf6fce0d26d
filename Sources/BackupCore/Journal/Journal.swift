// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The journal of a pool: an operation is written down there before anything of it is done, and what was
/// written down goes last.
///
/// So any client finds what another one left, and two that begin at once see each other.
package final class Journal {
  /// Seconds after which an operation without jobs is given up, whoever owns it.
  package static let setupLimit: Int64 = 120

  let pool: PoolReader
  let hypervisor: any Hypervisor
  let observer: any Observer
  let process: ClientProcess
  /// Files outside of the pool that this client made.
  var made: Set<String> = []
  /// The partials that this client wrote for operations that it began, by their UUIDs.
  private var begun: [String: Partial] = [:]
  /// The operations of which this client has told that they cannot be settled, by their UUIDs.
  private var toldUnsettled: Set<String> = []

  /// Makes the journal of a pool.
  ///
  /// - Parameters:
  ///   - pool: The pool.
  ///   - hypervisor: The host.
  ///   - observer: Who is told what is left as it is.
  ///   - process: This client.
  package init(
    pool: PoolReader, hypervisor: any Hypervisor, observer: any Observer, process: ClientProcess
  ) {
    self.pool = pool
    self.hypervisor = hypervisor
    self.observer = observer
    self.process = process
  }

  /// The pool in which is written.
  var repository: any Repository { pool.repository }

  /// True if the partial of an operation may name what is deleted outside of the pool.
  ///
  /// A pool into which nobody but its owner can put files is trusted, and so is the very partial that this
  /// client wrote.
  package func trusts(_ partial: Partial) -> Bool {
    repository.isTrusted || begun[partial.uuid] == partial
  }

  /// Takes note that an operation cannot be settled.
  ///
  /// - Returns: Whether that is news.
  package func noteUnsettled(_ partial: Partial) -> Bool {
    toldUnsettled.insert(partial.uuid).inserted
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
    begun[partial.uuid] = partial
    let planned = planned ?? pool.last
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

  /// Ends an operation that is done or undone.
  ///
  /// The partial goes first: a mark without it says nothing, while a partial without its mark would
  /// say that what was made is not whole. Where another operation has its name by now they are that
  /// one's.
  package func end(_ pending: Catalog.Pending) throws {
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
}
