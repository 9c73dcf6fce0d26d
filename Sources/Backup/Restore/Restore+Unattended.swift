// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// How a restore that goes on without its client ends: the next command that finds all data copied
/// does what the client would have done.
///
/// Of several commands that find it one does so: the one that makes the claim. What it cannot do it
/// gives back, and the next command tries it again.
extension Restore {
  /// Ends a restore whose client does not wait for it, unless another client does.
  func endUnattended(_ pending: Catalog.Pending, helper: (any Guest)?) throws -> Settlement {
    do {
      guard let claim = try claim(pending) else { return .running }
      return try givingBack(claim, of: pending) { try end(pending, claim: claim, helper: helper) }
    } catch {
      // The command has something else to do.
      observer.notice(
        "\(pending.partial.title) has not ended; the next command tries again: \(error)")
      return .running
    }
  }

  /// Cancels a restore that goes on without its client, and undoes it.
  ///
  /// - Returns: Whether it was one that could still be undone.
  /// - Throws: ``BackupError`` with code `busy` where another client is ending it, or what libvirt
  ///   throws.
  func abortAsyncRestore(_ pending: Catalog.Pending) throws -> Bool {
    let partial = pending.partial
    guard let restore = partial.restore, restore.isAsync, repository.isTrusted else { return false }
    let helper = try context.guest(of: partial)
    guard try helper != nil || repository.contains(pending.mark) else { return false }
    guard let claim = try claim(pending) else {
      throw BackupError(.busy, "another client is ending the restore; try again")
    }
    return try givingBack(claim, of: pending) {
      // Not before: another client may have had the claim, and the data whole.
      guard try repository.contains(pending.mark) else {
        if let helper { try context.cancelJobs(of: partial, in: helper) }
        try undoRestore(pending)
        return true
      }
      if partial.isOverwrite { return try endOverwrite(pending) == .undone }
      let uuid = try restore.definition.map { try DomainDefinition(parsing: $0).uuid }
      let fixed = fixedDirectory(of: partial)
      if let fixed { tellFixed(partial, fixed) }
      // It is defined already: what remains is done by settling.
      guard fixed == nil, try uuid.flatMap(hypervisor.domainName(uuid:)) == nil else {
        try repository.delete(pending.claim(claim))
        return false
      }
      try hypervisor.endHelper(of: partial)
      try undoWhole(pending)
      return true
    }
  }

  // MARK: - The end

  private func end(
    _ pending: Catalog.Pending, claim number: Int, helper: (any Guest)?
  ) throws -> Settlement {
    let partial = pending.partial
    // Until then nobody else goes on with it.
    var deadline = ContinuousClock.now + .seconds(Self.switchLimit)
    if try !repository.contains(pending.mark) {
      guard let helper, try endMirrors(of: partial, in: helper) else {
        try undoRestore(pending)
        return .undone
      }
      do {
        try endCopying(partial.diskNames, of: partial, in: helper)
      } catch let error as BackupError where error.code == .failed {
        observer.notice("\(partial.title) is undone: \(error)")
        try undoRestore(pending)
        return .undone
      }
      deadline = ContinuousClock.now + .seconds(Self.switchLimit)
      try journal.markWhole(pending)
    }
    try hypervisor.endHelper(of: partial)
    func isMine() throws -> Bool {
      try ContinuousClock.now < deadline && repository.contains(pending.volume)
        && !repository.contains(pending.claim(number + 1))
    }
    return try partial.isOverwrite
      ? replaceImages(pending, isMine: isMine) : finishForAnother(pending, isMine: isMine)
  }

  /// Has the copies end, all of which are made, unless one failed.
  ///
  /// - Returns: Whether they are whole.
  /// - Throws: ``BackupError`` with code `timedOut` where they do not end.
  private func endMirrors(of partial: Partial, in helper: any Guest) throws -> Bool {
    let end = ContinuousClock.now + .seconds(Context.cancelLimit)
    var told: Set<String> = []
    while ContinuousClock.now < end {
      let jobs = try helper.monitor.jobs(of: partial)
      switch JobsState(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .ready: return true
      case .missing: return false
      case .failed(let disk, let error):
        observer.notice("copying disk '\(disk)' failed: \(error)")
        return false
      case .running: try helper.monitor.endMirrors(among: jobs, told: &told)
      }
      _ = try helper.monitor.nextEvent(timeoutMilliseconds: 100)
    }
    throw BackupError(.timedOut, "the copies do not end")
  }

  /// Gives the domain its restored images where it is what it was.
  private func replaceImages(
    _ pending: Catalog.Pending, isMine: () throws -> Bool
  ) throws -> Settlement {
    if try !isSwitched(pending.partial) {
      do {
        try switchImages(of: unchangedDomain(pending), pending, isResumed: true, isMine: isMine)
      } catch let error as BackupError where [.invalid, .notFound, .exists].contains(error.code) {
        // Another client may have taken over and be done: the domain is what that one made of it.
        guard try isMine() else { throw BackupError(.busy, "another client is ending it") }
        observer.notice("\(pending.partial.title) is undone: \(error)")
        try undoWhole(pending)
        return .undone
      } catch let error as BackupError where error.code == .givenUp {
        observer.notice("\(pending.partial.title) is given up: \(error)")
        return .undone
      }
    }
    try finishOverwrite(pending)
    return .finished
  }

  private func unchangedDomain(_ pending: Catalog.Pending) throws -> OverwrittenDomain {
    let partial = pending.partial
    guard
      let domain = try domainToOverwrite(uuid: partial.domainUUID, operation: partial.uuid)
    else {
      throw BackupError(.notFound, "domain '\(partial.domainName)' is gone")
    }
    try domain.refuseInstants(of: partial.diskNames)
    guard StableHash.hex(domain.text) == partial.restore?.replacedDefinition else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: domain '\(domain.name)' was redefined in the meantime")
    }
    return domain
  }
}
