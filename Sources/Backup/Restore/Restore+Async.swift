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
  /// Settles a restore that goes on without its client, by its jobs.
  func settleAsyncRestore(_ pending: Catalog.Pending) throws -> Settlement {
    let partial = pending.partial
    let helper = try context.guest(of: partial)
    // The jobs first, then the claim: whoever ends it claims that before the first job goes.
    let jobs =
      try helper.flatMap { helper in
        try context.unlessEnded(partial) { try context.jobs(of: partial, in: helper.monitor) }
      } ?? []
    var isLost = false
    if try !repository.contains(pending.mark) {
      switch context.state(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .running:
        guard jobs.allSatisfy(\.hasCopied) else { return .running }
      case .missing:
        // Its client may be about to start them.
        guard try repository.contains(pending.claim(1)) || context.isAbandoned(pending) else {
          return .running
        }
        isLost = true
      case .failed: isLost = true
      case .ready: break
      }
    }
    guard isLost || canRename(partial) else { return .running }
    do {
      guard let claim = try claim(pending) else { return .running }
      return try givingBack(claim, of: pending) { try end(pending, claim: claim, helper: helper) }
    } catch {
      // The command has something else to do.
      observer.notice("\(partial.title) has not ended; the next command tries again: \(error)")
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
      // It is defined already: what remains is done by settling.
      guard canRename(partial), try uuid.flatMap(hypervisor.domainName(uuid:)) == nil else {
        try repository.delete(pending.claim(claim))
        return false
      }
      try context.endHelper(of: partial)
      try undoWhole(pending)
      return true
    }
  }

  /// Whether this client can give the files of a restore, whose data is whole, their names; says so
  /// where it cannot.
  func canRename(_ partial: Partial) -> Bool {
    for disk in partial.restore?.disks ?? [] where disk.temporaryPath != disk.path {
      let directory = Paths.split(disk.path).directory
      guard hypervisor.canRename(in: directory) else {
        observer.notice(
          "\(partial.title) can be ended only on its host, by who may write to '\(directory)'")
        return false
      }
    }
    return true
  }

  // MARK: - Who ends it

  /// Takes the end of an operation on this client, unless another one has.
  ///
  /// - Returns: The number of the claim; nil where another client ends the operation or has ended it.
  /// - Throws: What libvirt throws.
  private func claim(_ pending: Catalog.Pending) throws -> Int? {
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

  /// Whether the client that made a claim will not go on, or would not dare to any more.
  private func isAbandoned(_ pending: Catalog.Pending, claim number: Int) throws -> Bool {
    let claim = pending.claim(number)
    let text: [UInt8]
    do {
      text = try repository.read(claim, offset: 0, length: 512)
    } catch {
      // Who is done takes it away.
      guard try !repository.contains(claim) else { throw error }
      return false
    }
    let owner = Partial.Owner(text: String(decoding: text, as: UTF8.self))
    if owner == process.owner || owner.map(process.liveness) == .dead { return true }
    // Its last sign of life; one that was killed in the moment of its claim left it empty.
    var age = try repository.age(of: claim)
    if try repository.contains(pending.mark) {
      age = min(age, try repository.age(of: pending.mark))
    }
    return age > (owner == nil ? Self.claimLimit : Context.setupLimit)
  }

  /// Seconds after which a claim in which nothing stands is one of a client that is dead.
  private static let claimLimit: Int64 = 5

  /// Does what a claim was made for, and gives the claim back where it fails.
  private func givingBack<Result>(
    _ number: Int, of pending: Catalog.Pending, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch {
      if (try? repository.contains(pending.claim(number + 1))) == false {
        try? repository.delete(pending.claim(number))
      }
      throw error
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
      try context.markWhole(pending)
    }
    try context.endHelper(of: partial)
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
      let jobs = try context.jobs(of: partial, in: helper.monitor)
      switch context.state(of: jobs, disks: partial.diskNames, operation: partial.uuid) {
      case .ready: return true
      case .missing: return false
      case .failed(let disk, let error):
        observer.notice("copying disk '\(disk)' failed: \(error)")
        return false
      case .running: try context.endMirrors(among: jobs, in: helper.monitor, told: &told)
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
    try refuseSavedInstants(of: domain, with: partial.diskNames)
    guard StableHash.hex(domain.text) == partial.restore?.replacedDefinition else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: domain '\(domain.name)' was redefined in the meantime")
    }
    return domain
  }

  /// Starts a domain that has its restored images, where that was asked for.
  ///
  /// Whoever waits for a restore does so itself.
  func startIfAsked(_ restore: Partial.Restore, uuid: String) {
    guard restore.isAsync, restore.isStarted else { return }
    do {
      guard try !hypervisor.isActive(uuid: uuid), try has(restore.disks, uuid: uuid) else { return }
      try hypervisor.start(uuid: uuid, paused: restore.isPaused)
    } catch {
      observer.notice("the domain could not be started: \(error)")
    }
  }
}

extension JobInfo {
  /// Whether a mirror has copied all there was.
  fileprivate var hasCopied: Bool { ["ready", "waiting", "pending", "concluded"].contains(status) }
}
