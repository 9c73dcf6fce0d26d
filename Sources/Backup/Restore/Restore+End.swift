// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// How a restore ends, by its own client or by one that settles.
extension Restore {
  /// Gives the files their names and defines the domain: the data is whole.
  ///
  /// Where that is not possible any more the restore is over, and what was restored stays: its data
  /// is whole.
  ///
  /// - Parameters:
  ///   - pending: The restore.
  ///   - isMine: Whether this client may still do it, asked before anything is changed.
  /// - Throws: ``BackupError`` with code `givenUp` where libvirt refuses the definition, the name is
  ///   taken, or a file is gone or cannot have its name, or with code `busy` where another client has
  ///   ended it otherwise; what libvirt throws.
  func finishRestore(_ pending: Catalog.Pending, isMine: () throws -> Bool = { true }) throws {
    guard let restore = pending.partial.restore else { return }
    if try hasEnded(pending, restore) { return }
    do {
      if let text = restore.definition { try refuseTakenName(of: DomainDefinition(parsing: text)) }
      guard try isMine() else { throw BackupError(.busy, "another client is ending it") }
      try nameFiles(of: restore)
    } catch let error as BackupError where error.code != .busy {
      if try hasEnded(pending, restore) { return }
      throw try givingUp(pending, because: error)
    }
    if let definition = restore.definition {
      let uuid = try DomainDefinition(parsing: definition).uuid
      if try hypervisor.domainName(uuid: uuid) == nil {
        try restoreTPM(restore.tpm, to: uuid, of: pending)
        if try hasEnded(pending, restore) { return }
        do {
          try hypervisor.define(definition)
        } catch {
          // Another client that settles may have been faster.
          if try hypervisor.domainName(uuid: uuid) == nil {
            throw try givingUp(pending, because: error)
          }
        }
      }
      try restoreAutostart(pending, uuid: uuid)
      startIfAsked(restore, uuid: uuid)
    }
    try journal.end(pending)
  }

  /// Tells that another client has ended a restore whose data is whole as this one would.
  ///
  /// - Throws: ``BackupError`` with code `busy` where it was undone: its files are gone.
  private func hasEnded(_ pending: Catalog.Pending, _ restore: Partial.Restore) throws -> Bool {
    guard try !repository.contains(pending.volume) else { return false }
    let isDone =
      if let text = restore.definition {
        // A device tells nothing.
        try restore.disks.allSatisfy(\.isDevice)
          || has(restore.disks, uuid: try DomainDefinition(parsing: text).uuid)
      } else {
        restore.disks.allSatisfy { $0.isDevice || context.isThere($0.path) }
      }
    guard isDone else {
      throw BackupError(
        .busy, "another client ended \(pending.partial.title) before it was complete; try again")
    }
    return true
  }

  private func nameFiles(of restore: Partial.Restore) throws {
    var directories: Set<String> = []
    for disk in restore.disks where disk.temporaryPath != disk.path {
      directories.insert(Paths.split(disk.path).directory)
      guard try hypervisor.rename(disk.temporaryPath, to: disk.path) || context.isThere(disk.path)
      else {
        throw BackupError(.notFound, "file '\(disk.temporaryPath)' is gone")
      }
    }
    for directory in directories { try context.showFiles(in: directory) }
  }

  /// Ends a restore whose data is whole and stays where it is.
  ///
  /// - Returns: What is to be thrown then.
  func givingUp(
    _ pending: Catalog.Pending, because cause: any Error
  ) throws -> BackupError {
    let restore = pending.partial.restore
    let paths = (restore?.disks ?? []).map { disk in
      context.isThere(disk.temporaryPath) ? disk.temporaryPath : disk.path
    }
    try journal.end(pending)
    return BackupError(
      .givenUp,
      "\(cause); what was restored is in \(paths.joined(separator: ", "))"
        + (restore?.definition == nil
          ? "" : ", and backup-restore --print-xml shows the definition"))
  }

  /// Finishes a restore for another client.
  ///
  /// - Returns: What became of it; one that is given up is told.
  func finishForAnother(
    _ pending: Catalog.Pending, isMine: () throws -> Bool = { true }
  ) throws -> Settlement {
    do {
      try finishRestore(pending, isMine: isMine)
      return .finished
    } catch let error as BackupError where error.code == .givenUp {
      observer.notice("\(pending.partial.title) is given up: \(error)")
      return .undone
    }
  }

  /// Takes back a restore whose data is not whole.
  ///
  /// - Throws: What libvirt throws; the next command goes on.
  func undoRestore(_ pending: Catalog.Pending) throws {
    guard let disks = pending.partial.restore?.disks,
      try repository.contains(pending.volume),
      try !repository.contains(pending.mark)
    else { return }
    try hypervisor.endHelper(of: pending.partial)
    let files = disks.enumerated().filter { !$0.element.isDevice }
      .map { (number: $0.offset, path: $0.element.temporaryPath) }
    if journal.trusts(pending.partial) {
      try journal.discard(files, of: pending, title: "the file")
    } else {
      for (_, path) in files {
        observer.notice("the file '\(path)' is not whole; it is left where it is")
      }
    }
    try journal.end(pending)
  }

  /// Gives up a restore of a pool that others can write to, and touches nothing that it names.
  func leaveRestore(_ pending: Catalog.Pending) throws {
    guard let disks = pending.partial.restore?.disks else { return }
    for disk in disks {
      observer.notice(
        "the restore of '\(disk.path)' has not ended, and others can write to pool "
          + "'\(repository.name)'; what it made is left where it is")
    }
    try journal.end(pending)
  }
}
