// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The outcome of a create: its value is the length of the volume that says so.
///
/// A volume has its length from the moment in which it can be seen, before anything is in it.
enum CreateOutcome: UInt64 {
  /// It is taken back.
  case undo = 5
  /// Its point, or its copies, are made to exist.
  case publish = 8
}

/// How clients that settle the same create agree on what becomes of it.
///
/// Before the first of them writes the manifest, or deletes what was made, it makes one volume that
/// both would make: libvirt makes it for one alone. Whoever is too late does what the other decided.
/// The volume stays until the partial is gone.
extension Create {
  /// The outcome of a create; nil where nobody has decided that yet.
  ///
  /// A create that was to be published and has lost a volume meanwhile, by hand for instance, can only be
  /// undone.
  ///
  /// - Throws: What the repository throws.
  func decision(of pending: Catalog.Pending) throws -> CreateOutcome? {
    let noted = try notedOutcome(of: pending)
    guard noted == .publish, !pending.partial.isCopy,
      case .create(let manifest, _, _, _) = pending.partial.operation
    else { return noted }
    return try manifest.volumes.allSatisfy { try repository.contains($0.name) } ? .publish : .undo
  }

  /// The outcome as it was decided, whatever became of the volumes since.
  func notedOutcome(of pending: Catalog.Pending) throws -> CreateOutcome? {
    guard let length = try journal.decidingLength(of: pending.decided) else { return nil }
    // The client that was to give it one is dead, and has published nothing.
    return CreateOutcome(rawValue: length) ?? .undo
  }

  /// Decides that a create is published, unless somebody was faster.
  ///
  /// Everything that could still fail for what was copied has to be done.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client undoes it or ended it.
  func decidePublish(_ pending: Catalog.Pending) throws {
    let name = pending.partial.pointName
    switch try decide(.publish, pending) {
    case .publish: break
    case .undo: throw BackupError(.busy, "another client cancelled backup '\(name)'")
    case nil: throw BackupError(.busy, "another client ended backup '\(name)'")
    }
    // Nothing else says that copies are whole.
    if pending.partial.isCopy { try repository.synchronize([pending.decided]) }
  }

  /// Decides that a create is undone, unless somebody was faster.
  ///
  /// - Returns: What is to be done: also to undo it where it is not written down any more, or where
  ///   the pool takes no volume, by which nobody can publish it either.
  /// - Throws: What libvirt throws where it does not answer.
  func decideUndo(_ pending: Catalog.Pending) throws -> CreateOutcome {
    do {
      return try decide(.undo, pending) ?? .undo
    } catch {
      try context.rethrowUnlessLocal(error)
      return try decision(of: pending) ?? .undo
    }
  }

  /// Decides what becomes of a create, or finds out who did.
  ///
  /// - Returns: What was decided; nil where the create is not written down any more.
  private func decide(
    _ outcome: CreateOutcome, _ pending: Catalog.Pending
  ) throws -> CreateOutcome? {
    if let decided = try decision(of: pending) { return decided }
    guard try journal.isUnderWay(pending) else { return nil }
    do {
      try repository.create(
        VolumeSpecification(name: pending.decided, format: "raw", capacity: outcome.rawValue))
    } catch let error as BackupError where error.code == .exists {
      return try decision(of: pending)
    }
    // Others may have decided, done it and forgotten all before we did.
    guard try journal.isUnderWay(pending) else {
      try repository.delete(pending.decided)
      return nil
    }
    return outcome
  }
}
