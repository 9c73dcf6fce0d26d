// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A create that is under way, or copies that are.
struct PendingCreate: CopyingOperation {
  let context: Context
  let pending: Catalog.Pending
  /// The manifest that it will publish.
  let manifest: Manifest
  /// The disks that it copies, with the scratch and the target of each.
  let disks: [Partial.CreateDisk]

  private var create: Create { Create(context) }

  func settle(endsLost: Bool) throws -> Settlement {
    try create.settleCreate(pending, manifest)
  }

  func isFinished() throws -> Bool { try create.isWhole(pending, manifest) }

  func abortCopies(in guest: any Guest) throws -> Bool {
    try create.undoCreate(pending, guest: guest) == .undone
  }

  func undoLeft() throws -> Bool {
    try create.undoCreate(pending, guest: try context.guest(of: partial)) != .finished
  }

  func giveUp() throws {
    let outcome = try create.decideUndo(pending)
    try takeOut()
    // A point that is whole stays.
    if try !create.isWhole(pending, manifest) { try giveUpImages(outcome) }
    try forgetGivenUp()
  }

  /// Publishes images that were decided to be published, deletes others, or tells that they are left.
  private func giveUpImages(_ outcome: CreateOutcome) throws {
    if outcome == .publish {
      let images = manifest.volumes.map(\.name).joined(separator: ", ")
      try attempt("it could not be published; left in the pool: \(images)") {
        _ = try create.writeManifest(context.measured(manifest), of: pending)
      }
    } else if partial.isCopy {
      try attempt("a copy is left where it is") { try create.deleteTargets(of: pending) }
    } else {
      try create.discardUnpublished(manifest.volumes.map(\.name), of: pending)
    }
  }

  func forgetGone() throws {
    if partial.isCopy {
      tellLeft(disks.compactMap(\.target?.path))
    } else if try !create.isWhole(pending, manifest) {
      try forgetImages()
    }
    try forgetWithHost()
  }

  /// Publishes images that are whole, and deletes others with what there is of a manifest.
  private func forgetImages() throws {
    guard try create.decideUndo(pending) == .undo else {
      _ = try create.writeManifest(context.measured(manifest), of: pending)
      return
    }
    if context.pool.publishedManifest(nil, in: manifest.volumeNames.manifest) == nil {
      try repository.delete(manifest.volumeNames.manifest)
    }
    try journal.discard(manifest.volumes.map(\.name), of: pending)
  }
}
