// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// A delete that another client left is finished, undone or cancelled here.
extension Delete {
  /// Asks the same for a delete whose client is dead and may not have come to it.
  private func confirm(_ pending: Catalog.Pending, _ delete: Partial.Delete) throws {
    context.pool.forgetManifests { $0.domainUUID == pending.partial.domainUUID }
    let catalog = try catalog()
    try journal.refuseWhileUsed(delete, besides: pending.partial.uuid, in: catalog)
    try journal.refuseNeeded(delete, isMerged: false, in: catalog)
  }

  func settleDelete(_ pending: Catalog.Pending) throws -> Settlement {
    guard let delete = pending.partial.delete else { return .running }
    do {
      return try settle(pending, delete)
    } catch {
      // A third client may have been faster, or be at it: its result counts then.
      if try isMergedElsewhere(pending) { return .running }
      guard try !journal.isUnderWay(pending) else { throw error }
      return try isDone(delete) ? .finished : .undone
    }
  }

  /// Settles a delete that was under way when the pool was read.
  private func settle(
    _ pending: Catalog.Pending, _ delete: Partial.Delete
  ) throws -> Settlement {
    if try isMergedElsewhere(pending) { return .running }
    if let settlement = try settleAsyncDelete(pending, delete) { return settlement }
    if process.liveness(pending.partial.owner) != .dead,
      let helper = try context.guest(of: pending.partial),
      try !helper.monitor.jobs(of: pending.partial).isEmpty
    {
      return .running
    }
    guard try journal.isAbandoned(pending) else { return .running }
    return try settling(pending, delete) {
      if try !hasBegun(delete) { try confirm(pending, delete) }
      try merge(pending, deadline: nil)
      return true
    }
  }

  /// Ends a delete that another client left, or leaves what it would take where that is needed now, or
  /// where what would be merged is damaged.
  ///
  /// - Parameters:
  ///   - pending: The operation.
  ///   - delete: The delete that it is.
  ///   - prepare: Does the merges; false where they go on without a client.
  /// - Returns: What became of the delete.
  /// - Throws: ``BackupError`` or what libvirt throws where it can be neither ended nor left.
  private func settling(
    _ pending: Catalog.Pending, _ delete: Partial.Delete, _ prepare: () throws -> Bool
  ) throws -> Settlement {
    do {
      guard try prepare() else { return .running }
      try perform(pending)
      return .finished
    } catch let error as BackupError where [.busy, .damaged].contains(error.code) {
      if try isMergedElsewhere(pending) { return .running }
      let isLeft = try journal.isUnderWay(pending)
      if try !isLeft && isDone(delete) { return .finished }
      observer.notice("backup '\(pending.partial.pointName)' is not deleted: \(error)")
      if isLeft { try undoMerge(pending) }
      return .undone
    }
  }

  /// Settles a delete that goes on without its client, by its jobs.
  ///
  /// - Returns: What became of it; nil where they say nothing.
  private func settleAsyncDelete(
    _ pending: Catalog.Pending, _ delete: Partial.Delete
  ) throws -> Settlement? {
    guard try repository.contains(pending.mark),
      let helper = try context.guest(of: pending.partial)
    else { return nil }
    let jobs = try helper.monitor.jobs(of: pending.partial)
    if jobs.isEmpty { return nil }
    if jobs.contains(where: { $0.error != nil }) {
      try undoMerge(pending)
      return .undone
    }
    if jobs.contains(where: \.isAtWork) { return .running }
    do {
      try endMerge(pending, in: helper)
    } catch let error as BackupError where error.code == .failed {
      observer.notice("backup '\(pending.partial.pointName)' is not deleted: \(error)")
      try undoMerge(pending)
      return .undone
    }
    // The merges that had to wait for these go on without a client too, whichever command starts
    // them.
    if let next = try context.guest(of: pending.partial),
      try next.monitor.jobs(of: pending.partial).contains(where: \.isAtWork)
    {
      return .running
    }
    return try settling(pending, delete) {
      try startMerge(pending, outlivesClient: true) == nil
    }
  }

  /// Cancels a delete that copies.
  func abortDelete(_ pending: Catalog.Pending, in helper: any Guest) throws {
    try context.cancelJobs(of: pending.partial, in: helper)
    // A client that waits for its own delete sees the end of the jobs and does this itself.
    if try repository.contains(pending.mark) || process.liveness(pending.partial.owner) == .dead {
      try undoMerge(pending)
    }
  }
}

extension JobInfo {
  /// True while a merge copies; one that is `pending` or `concluded` has copied all.
  fileprivate var isAtWork: Bool { !["pending", "concluded"].contains(status) }
}
