// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// How the disks of a domain that exists are replaced, and what becomes of a client that dies.
///
/// One redefinition switches all disks. Before it the new files are deleted when something goes
/// wrong, after it the old ones: the domain's definition says which of both is to be done.
extension Restore {
  /// Seconds after which a client does not redefine the domain any more: those who settle wait for
  /// twice as long before they take the new files away.
  static let switchLimit: Int64 = Journal.setupLimit / 2

  /// Gives a domain its restored images, whose data is whole, and deletes what it had.
  ///
  /// - Throws: ``BackupError`` or what libvirt throws; the domain has what it had then.
  func replaceImages(of domain: OverwrittenDomain, _ pending: Catalog.Pending) throws {
    let deadline = ContinuousClock.now + .seconds(Self.switchLimit)
    do {
      try switchImages(of: domain, pending) {
        try ContinuousClock.now < deadline && repository.contains(pending.volume)
      }
    } catch {
      // Where libvirt did not answer it may have done it all the same. What cannot be ended now the
      // next command ends.
      guard (try? endOverwrite(pending)) == .finished else { throw error }
      return
    }
    try finishOverwrite(pending)
  }

  /// Gives the new files their names and redefines the domain.
  ///
  /// - Parameters:
  ///   - domain: The domain.
  ///   - pending: The restore.
  ///   - isResumed: Whether files may have their names already.
  ///   - isMine: Whether this client may still do it, asked right before.
  /// - Throws: ``BackupError`` or what libvirt throws.
  func switchImages(
    of domain: OverwrittenDomain, _ pending: Catalog.Pending, isResumed: Bool = false,
    isMine: () throws -> Bool
  ) throws {
    guard let restore = pending.partial.restore, let definition = restore.definition else { return }
    let disks = restore.disks
    for (number, disk) in disks.enumerated() where disk.temporaryPath != disk.path {
      try journal.noteIdentity(of: disk.temporaryPath, number, pending)
    }
    for disk in disks where disk.temporaryPath != disk.path {
      guard
        try hypervisor.rename(disk.temporaryPath, to: disk.path)
          || isResumed && context.isThere(disk.path)
      else {
        throw BackupError(.notFound, "file '\(disk.temporaryPath)' is gone")
      }
    }
    for directory in Set(disks.filter { !$0.isDevice }.map { Paths.split($0.path).directory }) {
      try context.showFiles(in: directory)
    }
    let uuid = domain.definition.uuid
    guard try !hypervisor.isActive(uuid: uuid) else {
      throw BackupError(
        .busy,
        "Requested operation is not valid: domain '\(domain.name)' was started in the meantime; "
          + "it has the disks that it had")
    }
    guard try hypervisor.inactiveDefinition(uuid: uuid) == domain.text else {
      throw BackupError(
        .busy,
        "Requested operation is not valid: domain '\(domain.name)' was redefined in the meantime; "
          + "it has the disks that it had")
    }
    guard try isMine() else {
      throw BackupError(.busy, "another client ended the restore before it was complete; try again")
    }
    do {
      try hypervisor.define(definition)
    } catch {
      // Its own client sees the error and takes the files away.
      guard isResumed, try !isSwitched(pending.partial) else { throw error }
      throw try givingUp(pending, because: error)
    }
  }

  /// Goes forward or back, as the domain's definition says.
  func endOverwrite(_ pending: Catalog.Pending) throws -> Settlement {
    try hypervisor.endHelper(of: pending.partial)
    guard journal.trusts(pending.partial) else {
      try leaveRestore(pending)
      return .undone
    }
    if try isSwitched(pending.partial) {
      try finishOverwrite(pending)
      return .finished
    }
    try undoWhole(pending)
    return .undone
  }

  /// Deletes what the domain does not have any more.
  func finishOverwrite(_ pending: Catalog.Pending) throws {
    guard let restore = pending.partial.restore else { return }
    // Before it is asked whether they are still there: a later restore may come to the paths.
    let replaced = restore.disks.compactMap { disk in
      disk.replaced.flatMap { $0.isKept ? nil : $0.path }
    }.map { (path: $0, identity: hypervisor.identity(of: $0)) }
    guard try repository.contains(pending.volume) else { return }
    try restoreTPM(restore.tpm, to: pending.partial.domainUUID, of: pending)
    try deleteUnused(replaced, of: pending)
    startIfAsked(restore, uuid: pending.partial.domainUUID)
    try journal.end(pending)
  }

  /// Deletes the files that the domain did not get, whose data may be whole.
  func undoWhole(_ pending: Catalog.Pending) throws {
    guard let disks = pending.partial.restore?.disks,
      try repository.contains(pending.volume)
    else { return }
    let isWhole = try repository.contains(pending.mark)
    var made: [(number: Int, path: String)] = []
    for (number, disk) in disks.enumerated() where !disk.isDevice {
      made.append((number, disk.temporaryPath))
      guard isWhole, disk.temporaryPath != disk.path else { continue }
      do {
        // Whether it has its name already; another's file of that name stays.
        if try hypervisor.rename(disk.temporaryPath, to: disk.path) {
          journal.noteMade(disk.path)
        }
        made.append((number, disk.path))
      } catch is BackupError {
        continue
      }
    }
    try journal.discard(made, of: pending, title: "the file")
    try journal.end(pending)
  }

  /// Deletes files, but none that anything refers to, and none that came to the path of one since
  /// another client deleted that: to look for what refers to them takes long.
  private func deleteUnused(
    _ files: [(path: String, identity: String?)], of pending: Catalog.Pending
  ) throws {
    guard !files.isEmpty else { return }
    let users = try hypervisor.imageUsers(of: files.map(\.path))
    for (path, identity) in files {
      if let user = users[path] {
        observer.notice("the file '\(path)' is kept: it is used by \(user)")
        continue
      }
      guard try repository.contains(pending.volume), hypervisor.identity(of: path) == identity
      else {
        continue
      }
      do {
        try hypervisor.delete(path)
      } catch {
        // The directory may be gone: that must not keep the rest from being done. Without libvirt
        // nothing can be.
        _ = try hypervisor.domainName(uuid: pending.partial.domainUUID)
        observer.notice("the file '\(path)' could not be deleted: \(error)")
      }
    }
  }
}
