// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// How a restore that goes on without its client ends: the next command that finds all data copied
/// does what the client would have done.
///
/// Of several commands that find it one does so. It claims that by a volume that only one can make;
/// who takes over from one that died makes the next.
extension Engine {
  /// Seconds for which a client that has made a claim may take to write into it whose it is.
  private static let claimLimit = 3

  /// Settles a restore that goes on without its client, by its jobs.
  func settleAsyncRestore(_ pending: Catalog.Pending) throws -> Settlement {
    let partial = pending.partial
    let helper = try guest(of: partial)
    // The jobs first, then the claim: whoever ends it claims that before the first job goes.
    let jobs =
      try helper.flatMap { helper in
        try unlessEnded(partial) { try self.jobs(of: partial, in: helper.monitor) }
      } ?? []
    if try !repository.contains(pending.mark), try !repository.contains(pending.claim(1)) {
      switch state(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .running:
        guard jobs.allSatisfy(\.hasCopied) else { return .running }
      case .missing:
        // Its client may be about to start them.
        guard process.liveness(partial.owner) == .dead || jobs.isEmpty, try isAbandoned(pending)
        else { return .running }
      case .failed, .ready: break
      }
    }
    guard let claim = try claim(pending) else { return .running }
    if try !repository.contains(pending.mark) {
      guard let helper, try endMirrors(of: partial, in: helper) else {
        try undoRestore(pending)
        return .undone
      }
      try endCopying(partial.diskNames.count, of: partial, in: helper)
      try markWhole(pending)
    }
    return try endWhole(pending, claim: claim)
  }

  /// Has the copies end, all of which are made, unless one failed.
  ///
  /// - Returns: Whether they are whole.
  /// - Throws: ``BackupError`` with code `timedOut` where they do not end.
  private func endMirrors(of partial: Partial, in helper: any Guest) throws -> Bool {
    let end = ContinuousClock.now + .seconds(Engine.cancelLimit)
    var told: Set<String> = []
    while ContinuousClock.now < end {
      let jobs = try self.jobs(of: partial, in: helper.monitor)
      switch state(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .ready: return true
      case .missing: return false
      case .failed(let disk, let error):
        observer.notice("copying disk '\(disk)' failed: \(error)")
        return false
      case .running: try endMirrors(among: jobs, in: helper.monitor, told: &told)
      }
      _ = try helper.monitor.nextEvent(timeoutMilliseconds: 100)
    }
    throw BackupError.timedOut
  }

  /// Cancels a restore that goes on without its client, and undoes it.
  ///
  /// - Returns: Whether it was one, and no other client was ending it.
  /// - Throws: What libvirt throws.
  func abortAsyncRestore(_ pending: Catalog.Pending) throws -> Bool {
    guard pending.partial.restore?.isAsync == true, repository.isTrusted,
      let helper = try guest(of: pending.partial), try claim(pending) != nil,
      try !repository.contains(pending.mark)
    else { return false }
    try cancelJobs(of: pending.partial, in: helper)
    try undoRestore(pending)
    return true
  }

  // MARK: - Who ends it

  /// Takes the end of an operation on this client, unless another one has that lives.
  ///
  /// - Returns: The number of the claim; nil where another client ends the operation or has ended it.
  /// - Throws: What libvirt throws.
  func claim(_ pending: Catalog.Pending) throws -> Int? {
    var number = 1
    while try repository.contains(pending.claim(number)) { number += 1 }
    guard try number == 1 || isAbandoned(pending, claim: number - 1) else { return nil }
    do {
      try repository.write(pending.claim(number), Array(process.owner.text.utf8))
    } catch let error as BackupError where error.code == .exists {
      return nil
    }
    guard try repository.contains(pending.volume) else {
      try repository.delete(pending.claim(number))
      return nil
    }
    // It took so long that another client did not believe in it.
    return try repository.contains(pending.claim(number + 1)) ? nil : number
  }

  /// Whether the client that made a claim will not go on.
  private func isAbandoned(_ pending: Catalog.Pending, claim number: Int) throws -> Bool {
    let claim = pending.claim(number)
    let end = ContinuousClock.now + .seconds(Engine.claimLimit)
    var owner: Partial.Owner?
    repeat {
      // Who is done takes it away.
      guard try repository.contains(claim) else { return false }
      owner = try self.owner(of: claim)
      if owner == nil { pause(milliseconds: 100) }
    } while owner == nil && ContinuousClock.now < end
    guard let owner, owner != process.owner else { return true }
    switch process.liveness(owner) {
    case .alive: return false
    case .dead: return true
    case .unknown:
      let note = try repository.contains(pending.mark) ? pending.mark : claim
      return try repository.age(of: note) > Engine.setupLimit
    }
  }

  /// Who made a claim; nil where that is not yet written.
  private func owner(of claim: String) throws -> Partial.Owner? {
    do {
      let text = try repository.read(claim, offset: 0, length: 512)
      return Partial.Owner(text: String(decoding: text, as: UTF8.self))
    } catch {
      guard try !repository.contains(claim) else { throw error }
      return nil
    }
  }

  // MARK: - The end

  /// Ends a restore whose data is whole.
  private func endWhole(_ pending: Catalog.Pending, claim number: Int) throws -> Settlement {
    let partial = pending.partial
    try endHelper(of: partial)
    guard try !repository.contains(pending.claim(number + 1)) else { return .running }
    let settlement = try partial.isOverwrite ? replaceImages(pending) : define(pending)
    if settlement == .finished { start(pending) }
    return settlement
  }

  /// Gives the domain its restored images where it is what it was.
  private func replaceImages(_ pending: Catalog.Pending) throws -> Settlement {
    do {
      try replaceImages(of: unchangedDomain(pending), pending)
      return .finished
    } catch let error as BackupError {
      // A client that died may have replaced them.
      let settlement = try endOverwrite(pending)
      if settlement == .undone {
        observer.notice(
          "the restore of domain '\(pending.partial.domainName)' from backup "
            + "'\(pending.partial.pointName)' is undone: \(error)")
      }
      return settlement
    }
  }

  private func unchangedDomain(_ pending: Catalog.Pending) throws -> OverwrittenDomain {
    let partial = pending.partial
    guard
      let domain = try domainToOverwrite(uuid: partial.domainUUID, operation: partial.uuid)
    else {
      throw BackupError(.notFound, "domain '\(partial.domainName)' is gone")
    }
    try refuseSavedInstants(of: domain, with: partial.diskNames)
    guard StableHash.hex(domain.text) == partial.restore?.replacedDefinition else {
      throw BackupError(
        .busy,
        "Requested operation is not valid: domain '\(domain.name)' was redefined in the meantime; "
          + "it has the disks that it had")
    }
    return domain
  }

  /// Gives the files their names and defines the domain.
  private func define(_ pending: Catalog.Pending) throws -> Settlement {
    do {
      try finishRestore(pending)
      return .finished
    } catch {
      // Without libvirt the next command does it.
      _ = try hypervisor.domainName(uuid: pending.partial.domainUUID)
      observer.notice(
        "the restore from backup '\(pending.partial.pointName)' could not be ended, and what was "
          + "restored is left where it is: \(error)")
      try forget(pending)
      return .undone
    }
  }

  private func start(_ pending: Catalog.Pending) {
    guard let restore = pending.partial.restore, restore.isStarted,
      let definition = restore.definition.flatMap({ try? DomainDefinition(parsing: $0) })
    else { return }
    do {
      guard try !hypervisor.isActive(uuid: definition.uuid) else { return }
      try hypervisor.start(uuid: definition.uuid, paused: restore.isPaused)
    } catch {
      observer.notice("domain '\(definition.name)' could not be started: \(error)")
    }
  }
}

extension JobInfo {
  /// Whether a mirror has copied all there was.
  fileprivate var hasCopied: Bool { ["ready", "waiting", "pending", "concluded"].contains(status) }
}
