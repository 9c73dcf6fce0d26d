// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Engine {
  /// Cancels what runs on a domain and undoes it.
  ///
  /// Every operation can be ended: of one that cannot be undone as a whole the rest is told and left.
  ///
  /// - Throws: ``BackupError`` when nothing runs that could be cancelled; with code `busy` where a
  ///   client is at it whose work cannot be taken from it.
  package func abort(domainUUID: String) throws {
    func pending() throws -> [Catalog.Pending] {
      try catalog().pending(concerning: domainUUID).filter { try context.isHere($0.partial) }
    }
    for helper in try pending().compactMap(\.partial.helper) {
      context.hypervisor.note(helper: helper)
    }
    var isAborted = false
    var busy: (any Error)?
    /// Ends one; what keeps it from being ended does not keep others.
    func end(_ item: Catalog.Pending, _ body: () throws -> Bool) throws {
      do {
        if try body() { isAborted = true }
      } catch let error as BackupError where error.code == .busy {
        busy = error
      } catch {
        try context.rethrowUnlessLocal(error)
        try giveUp(item, because: error)
        isAborted = true
      }
    }
    // One that has copied all is not ended first: that would replace what the domain has.
    for item in try pending() { try end(item) { try Restore(context).abortAsyncRestore(item) } }
    if let busy { throw busy }
    let settled = try settle(domainUUID: domainUUID)
    if settled.values.contains(.undone) { isAborted = true }
    for item in try pending() { try end(item) { try abort(item, settled[item.partial.uuid]) } }
    if let busy { throw busy }
    guard isAborted else {
      let others = try catalog().pending(concerning: domainUUID).map(\.partial)
      if let elsewhere = try others.first(where: { try !context.isHere($0) }) {
        throw BackupError(
          .invalid,
          "Requested operation is not valid: \(elsewhere.title) runs on host "
            + "'\(elsewhere.host.title)', where backup-jobabort ends it; where that host is gone for "
            + "good, --host-is-gone forgets it")
      }
      throw BackupError(
        .invalid, "Requested operation is not valid: no job is active on the domain")
    }
  }

  /// Cancels one operation of this host.
  ///
  /// - Parameters:
  ///   - pending: The operation.
  ///   - settlement: What settling found of it, right before.
  /// - Returns: Whether there was something to cancel.
  /// - Throws: ``BackupError`` with code `busy` where a living client has not begun to copy; what
  ///   keeps it from being undone.
  private func abort(_ pending: Catalog.Pending, _ settlement: Settlement?) throws -> Bool {
    let partial = pending.partial
    if partial.session != nil {
      return try Session(context).endSession(pending, keepsBitmap: false) == false
    }
    if let live = partial.liveRestore {
      guard settlement == .failed else { return try LiveRestore(context).abortLive(pending, live) }
      try giveUp(pending, because: nil)
      return true
    }
    if partial.verify != nil {
      // Its client sees that it is over.
      try Verify(context).undo(pending)
      return true
    }
    if let guest = try context.guest(of: partial),
      try !context.jobs(of: partial, in: guest.monitor).isEmpty
    {
      return try abort(pending, in: guest)
    }
    if try isInHands(pending) {
      throw BackupError(
        .busy,
        "Requested operation is not valid: a client, process \(partial.owner.pid), is at "
          + "\(partial.title) and does not copy now; try again, or end that process first")
    }
    switch partial.operation {
    case .create:
      if try Create(context).undoCreate(pending, guest: try context.guest(of: partial)) == .finished
      {
        return false
      }
    case .restore: try Restore(context).undoLeft(pending)
    case .delete: try Delete(context).undoMerge(pending)
    case .live, .session, .verify: return false
    }
    // Where the rest could not be done it says nothing.
    if try context.isUnderWay(pending) { try giveUp(pending, because: nil) }
    return true
  }

  /// Tells that a client is at an operation that does not copy, and cannot be stopped by others.
  private func isInHands(_ pending: Catalog.Pending) throws -> Bool {
    let partial = pending.partial
    guard partial.owner != context.process.owner else { return false }
    // The client may be about to give the domain or the files what it copied, which may have taken long.
    let isWaitedFor = partial.restore.map { !$0.isAsync } ?? false
    switch context.process.liveness(partial.owner) {
    case .dead: return false
    case .alive:
      return try isWaitedFor || context.repository.age(of: pending.volume) <= Context.setupLimit
    case .unknown:
      // A living one does not switch the disks after half of that time.
      return try isWaitedFor && context.repository.contains(pending.mark)
        && context.repository.age(of: pending.mark) <= Context.setupLimit
    }
  }

  /// Cancels an operation that copies.
  private func abort(_ pending: Catalog.Pending, in guest: any Guest) throws -> Bool {
    switch pending.partial.operation {
    case .create: return try Create(context).undoCreate(pending, guest: guest) == .undone
    // The client that waits sees the end of the jobs and does the rest.
    case .restore: try context.cancelJobs(of: pending.partial, in: guest)
    case .delete: try Delete(context).abortDelete(pending, in: guest)
    case .live, .session, .verify: return false
    }
    return true
  }
}
