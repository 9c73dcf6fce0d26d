// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// What becomes of an operation that can be neither finished nor undone: it is told, and stands in
/// the way of nothing else; `backup-jobabort` ends it whatever its state.
extension Engine {
  /// Says, once in a command, that an operation could not be settled.
  func tellUnsettled(_ partial: Partial, _ error: any Error) {
    guard context.noteUnsettled(partial) else { return }
    context.observer.notice(
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
    if let cause {
      context.observer.notice("\(partial.title) cannot be undone as a whole: \(cause)")
    }
    try attempt("its helper domain could not be ended") { try context.endHelper(of: partial) }
    switch partial.operation {
    case .create(let manifest, _, _, _): try giveUp(pending, create: manifest)
    case .restore(let restore): try giveUp(restore, pending)
    case .live(let live):
      context.observer.notice(
        "what it made is left where it is: \(live.disks.map(\.path).joined(separator: ", "))")
    case .delete:
      // Without it nobody could tell any more on what the images stand.
      return try Delete(context).undoMerge(pending)
    case .session: try attempt("it is still in the domain's QEMU") { try takeOut(pending) }
    case .verify(let verify):
      try attempt("left in the pool: \(verify.volumes.joined(separator: ", "))") {
        try Verify(context).undo(pending)
      }
    }
    try attempt("a scratch file is left where it is") {
      if try context.isUnderWay(pending) { try context.deleteScratch(of: partial) }
    }
    try context.forget(pending)
  }

  /// Does what may fail, and tells when it did.
  private func attempt(_ failure: String, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      try context.rethrowUnlessLocal(error)
      context.observer.notice("\(failure): \(error)")
    }
  }

  private func takeOut(_ pending: Catalog.Pending) throws {
    let partial = pending.partial
    guard let guest = try context.guest(of: partial) else { return }
    try context.letGo(of: partial, guest)
    try context.cancelJobs(of: partial, in: guest)
    try context.takeDown(partial, guest: guest)
    try context.dismissJobs(of: partial, in: guest.monitor)
  }

  private func giveUp(_ pending: Catalog.Pending, create manifest: Manifest) throws {
    let outcome = try Create(context).decideUndo(pending)
    try attempt("it is still in the domain's QEMU") { try takeOut(pending) }
    // What is there as a whole stays.
    guard try !Create(context).isWhole(pending, manifest) else { return }
    if outcome == .publish {
      let images = manifest.volumes.map(\.name).joined(separator: ", ")
      return try attempt("it could not be published; left in the pool: \(images)") {
        _ = try Create(context).writeManifest(context.measured(manifest), of: pending)
      }
    }
    if pending.partial.isCopy {
      return try attempt("a copy is left where it is") {
        try Create(context).deleteTargets(of: pending)
      }
    }
    try Create(context).discardUnpublished(manifest.volumes.map(\.name), of: pending)
  }

  private func giveUp(_ restore: Partial.Restore, _ pending: Catalog.Pending) throws {
    let partial = pending.partial
    var files: [(number: Int, path: String)] = []
    for (number, disk) in restore.disks.enumerated() where !disk.isDevice {
      guard context.trusts(partial), try !Restore(context).has([disk], uuid: partial.domainUUID)
      else {
        context.observer.notice("the file '\(disk.temporaryPath)' is left where it is")
        continue
      }
      files.append((number, disk.temporaryPath))
    }
    for file in files {
      try attempt("the file '\(file.path)' is left where it is") {
        try context.discard([file], of: pending, title: "the file")
      }
    }
  }
}
