// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Deletes points, and merges what others need of them before.
struct Delete: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Delete {
  /// As ``Engine/delete(_:scope:disks:isAsync:deadline:)``, once the domain is settled.
  func run(
    _ request: DeleteRequest, isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> [Deleted]? {
    let catalog = try catalog()
    let request = try request.again(in: catalog)
    let plan = try DeletePlan(request, in: catalog)
    guard !plan.doomed.isEmpty else { return [] }
    try check(plan, request, in: catalog)
    let pending = try begin(plan, request, in: catalog)
    do {
      if isAsync {
        try repository.write(pending.mark, Array("async\n".utf8))
        if try startMerge(pending, outlivesClient: true) != nil { return nil }
      } else {
        try merge(pending, deadline: deadline)
      }
    } catch {
      // Every point is still whole. What moved already is written down as it is.
      let cause = context.cause(of: error, deadline: deadline)
      do {
        try undoMerge(pending)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      // Another client may have been faster with all of it.
      guard try !journal.isUnderWay(pending), try isDone(plan.delete) else { throw cause }
    }
    do {
      try perform(pending)
    } catch {
      // Another client was faster with all of it.
      guard try !journal.isUnderWay(pending), try isDone(plan.delete) else { throw error }
    }
    return plan.deleted(request)
  }

  /// Refuses what cannot be done, before anything is written.
  ///
  /// - Throws: ``BackupError``, with code `busy` where something needs what goes.
  private func check(_ plan: DeletePlan, _ request: DeleteRequest, in catalog: Catalog) throws {
    try journal.refuseWhileUsed(plan.delete, besides: nil, in: catalog)
    do {
      for run in plan.runs { try context.checkChain(run.chain, in: catalog) }
    } catch let error as BackupError {
      throw BackupError(
        error.code,
        "\(error); what stands on backup \(request.names) cannot take over what it needs, "
          + "--children deletes it too")
    }
    try journal.refuseNeeded(plan.delete, isMerged: false, in: catalog)
    try refuseWithoutRoom(plan, request, in: catalog)
  }

  /// Writes a delete down, and asks again what it was decided on: another client may have made a
  /// point, or a user an image, that stands on what goes.
  ///
  /// - Throws: ``BackupError`` with code `busy`; nothing is written down then.
  private func begin(
    _ plan: DeletePlan, _ request: DeleteRequest, in catalog: Catalog
  ) throws -> Catalog.Pending {
    guard let first = request.points.first?.manifest else { throw request.meanwhile }
    let uuid = process.newUUID()
    let partial = Partial(
      uuid: uuid, pointName: first.name, domainName: first.domainName,
      domainUUID: first.domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: process.time(),
      helper: plan.delete.merges.isEmpty ? nil : OperationID(uuid).helper,
      operation: .delete(plan.delete))
    let pending = try journal.begin(
      partial, in: first.volumeNames.partial(operation: uuid), planned: catalog)
    do {
      guard let now = context.pool.last,
        try DeletePlan(request.again(in: now), in: now).delete == plan.delete
      else { throw request.meanwhile }
      try journal.refuseNeeded(plan.delete, isMerged: false, in: now)
    } catch {
      try repository.delete(pending.volume)
      throw error
    }
    return pending
  }
}
