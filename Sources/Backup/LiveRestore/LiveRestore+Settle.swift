// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The state of a live restore that is under way, as a client finds it.
enum LiveState {
  /// Its client is at it, and the domain is not noted as defined.
  case beginning
  /// Its client is gone, and there is no domain.
  case undefined
  /// Its client is gone, and has defined the domain without noting that.
  case unmarked
  /// The domain was defined, and somebody removed it.
  case deserted
  /// The domain is shut off, and stands on the pool.
  case shutOff
  /// Nothing stands on the pool any more.
  case pulled
  /// Its data is on its way, and a client waits for that.
  case attended
  /// Its data is on its way or stands still, and no client waits for it.
  case unattended(any Guest)
}

extension LiveRestore {
  /// Reads how far a live restore is: from its partial, its mark, the domain and what that stands on.
  func state(
    of pending: Catalog.Pending, _ live: Partial.LiveRestore
  ) throws -> LiveState {
    let partial = pending.partial
    let isMarked = try repository.contains(pending.mark)
    let isDefined = try hypervisor.domainName(uuid: partial.domainUUID) != nil
    if isMarked, !isDefined { return .deserted }
    guard isMarked else {
      guard try journal.isAbandoned(pending) else { return .beginning }
      return isDefined ? .unmarked : .undefined
    }
    guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else { return .shutOff }
    if try pullStates(live, in: guest).allSatisfy({ $0 == .free }) { return .pulled }
    let hasClient = partial.owner != process.owner && process.liveness(partial.owner) == .alive
    return hasClient ? .attended : .unattended(guest)
  }

  /// Finishes or undoes a live restore as far as that is possible, and has its data move where nobody
  /// else does.
  func settleLive(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore
  ) throws -> Settlement {
    let partial = pending.partial
    switch try state(of: pending, live) {
    case .beginning, .attended: return .running
    case .undefined: return try undoLive(pending, live, isOwn: false) ? .undone : .running
    case .unmarked:
      try mark(pending, .pulling(speed: 0))
      return try settleLive(pending, live)
    case .deserted:
      // Whoever removed the domain decides about its disks.
      observer.notice(
        "domain '\(partial.domainName)' is gone; these images still stand on backup "
          + "'\(partial.pointName)': \(live.disks.map(\.path).joined(separator: ", "))")
      try journal.end(pending)
      return .undone
    case .shutOff: return .lost
    case .pulled:
      do {
        try finishLive(pending, live, isOwn: false)
      } catch let error as BackupError where error.code == .failed {
        // The command has something else to do.
        observer.notice("\(error)")
        return .running
      }
      return .finished
    case .unattended(let guest):
      guard case .pulling(let speed) = try mark(of: pending) else { return .running }
      do {
        try pullNext(live, speed: speed, in: guest)
      } catch {
        observer.notice("\(error)")
      }
      return .running
    }
  }

  /// Frees the definition of what it said of the pool: nothing stands on it any more, once what was
  /// pulled is on disk.
  ///
  /// - Parameters:
  ///   - pending: The restore.
  ///   - live: The same.
  ///   - isOwn: Whether we are its client. Else, where others can write to the pool, the partial may
  ///     be theirs: it must not say what is changed elsewhere.
  /// - Throws: ``BackupError`` with code `failed` where that is not on disk, or what libvirt throws;
  ///   the next command goes on.
  func finishLive(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, isOwn: Bool
  ) throws {
    guard isOwn || repository.isTrusted else { return try journal.end(pending) }
    guard let guest = try hypervisor.guest(uuid: pending.partial.domainUUID) else {
      throw BackupError.ended(pending.partial)
    }
    try context.telling(.ended(pending.partial), ifEnded: guest) {
      try flushImages(of: pending, live, in: guest)
    }
    let images = Dictionary(live.disks.map { ($0.name, $0.path) }, uniquingKeysWith: { $1 })
    let uuid = pending.partial.domainUUID
    while let text = try hypervisor.inactiveDefinition(uuid: uuid),
      let freed = try LayeredDefinition.freed(text, images: images)
    {
      // What somebody changed meanwhile stays.
      guard try hypervisor.inactiveDefinition(uuid: uuid) == text else { continue }
      try hypervisor.define(freed)
      break
    }
    try journal.end(pending)
  }

  /// Takes back a live restore whose guest has never run.
  ///
  /// The mark goes first: without it, whoever finds the domain defined goes on with it. `isOwn` is
  /// what it is to ``finishLive(_:_:isOwn:)``.
  ///
  /// - Returns: False where the guest runs, which another client has started: nothing is taken back
  ///   then.
  @discardableResult
  func undoLive(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, isOwn: Bool
  ) throws -> Bool {
    guard isOwn || repository.isTrusted else {
      observer.notice(
        "others can write to pool '\(repository.name)'; what a restore from it left stays where it "
          + "is: \(live.disks.map(\.path).joined(separator: ", "))")
      try journal.end(pending)
      return true
    }
    let uuid = pending.partial.domainUUID
    guard try hypervisor.guest(uuid: uuid) == nil else { return false }
    let definition = try hypervisor.inactiveDefinition(uuid: uuid)
    try repository.delete(pending.mark)
    if try hypervisor.domainName(uuid: uuid) != nil { try hypervisor.undefine(uuid: uuid) }
    // libvirt undefines a domain that runs too. Without a definition nobody can start it any more.
    guard try hypervisor.guest(uuid: uuid) == nil else {
      if let definition, try hypervisor.inactiveDefinition(uuid: uuid) == nil {
        try hypervisor.define(definition)
      }
      try mark(pending, .pulling(speed: 0))
      return false
    }
    let others = try catalog().pending.map(\.partial).filter { $0.uuid != pending.partial.uuid }
    let taken = Set(others.compactMap(\.liveRestore).flatMap(\.disks).map(\.path))
    for disk in live.disks where !taken.contains(disk.path) {
      let (directory, name) = Paths.split(disk.path)
      let target = try hypervisor.repository(directory: directory)
      try target.look()
      // Another client that goes on with it may have defined it once more.
      guard try hypervisor.domainName(uuid: uuid) == nil else { return false }
      if try isThin(name, in: target, over: disk) { try target.delete(name) }
    }
    // The helper that copied the NVRAM ends with its client, unless libvirt was killed meanwhile.
    try hypervisor.guest(name: pending.partial.id.helper)?.destroy()
    // Without the partial somebody else's file came to the name of ours.
    if try repository.contains(pending.volume) {
      if let path = live.nvram {
        try journal.discard([(0, path)], of: pending, title: "the NVRAM")
      }
      if let tpm = live.tpm { try? Restore(context).discardTPM(tpm) }
    }
    try repository.delete(pending.volume)
    try journal.forgetMade(pending)
    return true
  }

  /// Whether a volume is what a live restore makes for a disk: another may have come to its name.
  private func isThin(
    _ volume: String, in target: any Repository, over disk: Partial.LiveRestoreDisk
  ) throws -> Bool {
    guard try target.contains(volume), let backing = disk.backing.first else { return false }
    let header = try? Qcow2Header(
      parsing: try target.read(volume, offset: 0, length: Qcow2Header.length))
    return header?.backingFile == repository.path(of: backing)
  }

  /// Stops the data of a live restore.
  ///
  /// - Returns: False where it did not move.
  func abortLive(_ pending: Catalog.Pending, _ live: Partial.LiveRestore) throws -> Bool {
    guard let guest = try hypervisor.guest(uuid: pending.partial.domainUUID) else { return false }
    guard try pullStates(live, in: guest).contains(where: \.isPulling) else { return false }
    try stopPulls(pending, live, in: guest)
    observer.notice(BackupError.stopped(pending.partial, .interrupted, "cancelled").description)
    return true
  }

  /// What a live restore does, for people and programs.
  func liveState(of pending: Catalog.Pending) throws -> String {
    guard try hypervisor.guest(uuid: pending.partial.domainUUID) != nil else { return "shut off" }
    return try mark(of: pending) == .stopped ? "stopped" : "running"
  }
}
