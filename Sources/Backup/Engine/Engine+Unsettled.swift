// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// What becomes of an operation that can be neither finished nor undone: it is told, and stands in
/// the way of nothing else; `backup-jobabort` ends it whatever its state.
extension Engine {
  /// Throws an error on that concerns the whole command and not the one thing it came from: the user
  /// asked to stop, or libvirt does not answer any more.
  func rethrowUnlessLocal(_ error: any Error) throws {
    if observer.isInterrupted { throw error }
    if let error = error as? BackupError, error.code == .interrupted { throw error }
    // Any question shows it: there is no such domain.
    _ = try hypervisor.domainName(uuid: process.newUUID())
  }

  /// Says, once in a command, that an operation could not be settled.
  func tellUnsettled(_ partial: Partial, _ error: any Error) {
    guard noteUnsettled(partial) else { return }
    observer.notice(
      "\(partial.title) could be neither finished nor undone: \(error); backup-jobabort ends it")
  }

  /// Ends an operation whatever became of it: what can be undone is, the rest is told and left.
  ///
  /// - Parameters:
  ///   - pending: The operation.
  ///   - cause: Why it could not be undone as others are; nil where that was told.
  /// - Throws: What libvirt throws where it does not answer; ``BackupError`` where what only the
  ///   partial knows could not be written elsewhere.
  func giveUp(_ pending: Catalog.Pending, because cause: (any Error)?) throws {
    let partial = pending.partial
    if let cause { observer.notice("\(partial.title) cannot be undone as a whole: \(cause)") }
    try attempt("its helper domain could not be ended") { try endHelper(of: partial) }
    switch partial.operation {
    case .create(let manifest, _, _, _): try giveUp(pending, create: manifest)
    case .restore(let restore): try giveUp(restore, pending)
    case .live(let live):
      observer.notice(
        "what it made is left where it is: \(live.disks.map(\.path).joined(separator: ", "))")
    case .delete:
      // Without it nobody could tell any more on what the images stand.
      return try undoMerge(pending)
    case .session: try attempt("it is still in the domain's QEMU") { try takeOut(pending) }
    }
    try attempt("a scratch file is left where it is") {
      if try isUnderWay(pending) { try deleteScratch(of: partial) }
    }
    try forget(pending)
  }

  /// Does what may fail, and tells when it did.
  private func attempt(_ failure: String, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      try rethrowUnlessLocal(error)
      observer.notice("\(failure): \(error)")
    }
  }

  private func takeOut(_ pending: Catalog.Pending) throws {
    let partial = pending.partial
    guard let guest = try guest(of: partial) else { return }
    try letGo(of: partial, guest)
    try cancelJobs(of: partial, in: guest)
    try takeDown(partial, guest: guest)
    try dismissJobs(of: partial, in: guest.monitor)
  }

  private func giveUp(_ pending: Catalog.Pending, create manifest: Manifest) throws {
    let outcome = try decideUndo(pending)
    try attempt("it is still in the domain's QEMU") { try takeOut(pending) }
    // What is there as a whole stays.
    guard try !isWhole(pending, manifest) else { return }
    if outcome == .publish {
      let images = manifest.volumes.map(\.name).joined(separator: ", ")
      return try attempt("it could not be published; left in the pool: \(images)") {
        _ = try writeManifest(measured(manifest), of: pending)
      }
    }
    if pending.partial.isCopy {
      return try attempt("a copy is left where it is") { try deleteTargets(of: pending) }
    }
    try discardUnpublished(manifest.volumes.map(\.name), of: pending)
  }

  private func giveUp(_ restore: Partial.Restore, _ pending: Catalog.Pending) throws {
    let partial = pending.partial
    var files: [(number: Int, path: String)] = []
    for (number, disk) in restore.disks.enumerated() where !disk.isDevice {
      guard trusts(partial), try !has([disk], uuid: partial.domainUUID) else {
        observer.notice("the file '\(disk.temporaryPath)' is left where it is")
        continue
      }
      files.append((number, disk.temporaryPath))
    }
    for file in files {
      try attempt("the file '\(file.path)' is left where it is") {
        try discard([file], of: pending, title: "the file")
      }
    }
  }
}

extension Partial {
  /// The operation, for people.
  var title: String {
    switch operation {
    case .create: "backup '\(pointName)' of domain '\(domainName)'"
    case .restore, .live: "the restore of domain '\(domainName)' from backup '\(pointName)'"
    case .delete: "the deletion of backup '\(pointName)' of domain '\(domainName)'"
    case .session: "NBD session '\(pointName)' of domain '\(domainName)'"
    }
  }
}
