// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// Copies to where a document says: no manifest lists them, no bitmap records what follows.
///
/// They run as every create does. What says that they are whole is that they were decided to be
/// published.
extension Create {
  /// Refuses targets that are there or are the domain's own, before anything is made.
  func checkTargets(of plan: CreatePlan) throws {
    for disk in plan.disks {
      guard let target = disk.target else { continue }
      let path = target.store.path
      // What cannot be read later must not be found out then.
      if let encryption = target.store.encryption { _ = try hypervisor.secret(encryption.secret) }
      switch target.type {
      case .file:
        let (directory, name) = Paths.split(path)
        let files = try targetRepository(directory, of: path)
        try files.look()
        guard try !files.contains(name), !hypervisor.isTaken(path) else {
          throw BackupError.targetExists(path, disk: disk.live.name)
        }
      case .block:
        if plan.disks.flatMap(\.live.sources).contains(.block(path)) {
          throw BackupError(
            .invalid, "unsupported configuration: '\(path)' is a disk of the domain itself")
        }
      }
    }
  }

  /// Makes the files of copies: all or none.
  ///
  /// It comes before anything else is made. Where one cannot be made the partial is deleted at once,
  /// so that nobody takes a file for ours that somebody else made in between.
  func makeTargets(
    of plan: CreatePlan, partial: Catalog.Pending, definition: DomainDefinition
  ) throws {
    let owner = try hypervisor.imageOwner(of: definition)
    var made: [(files: any Repository, name: String)] = []
    do {
      for (number, disk) in plan.disks.enumerated() {
        guard let target = disk.target, target.type == .file else { continue }
        try observer.stopIfInterrupted()
        let (directory, name) = Paths.split(target.store.path)
        let files = try targetRepository(directory, of: target.store.path)
        do {
          try files.create(
            VolumeSpecification(
              name: name, format: target.store.encryption == nil ? target.format : "raw",
              capacity: target.store.encryption == nil ? disk.live.capacity : 0,
              owner: target.owner(default: owner),
              label: target.securityLabel(default: definition.imageLabel)))
        } catch let error as BackupError where error.code == .exists {
          throw BackupError.targetExists(target.store.path, disk: disk.live.name)
        }
        made.append((files, name))
        try journal.noteMade(target.store.path, number, of: partial)
      }
    } catch {
      for (files, name) in made { try files.delete(name) }
      try journal.end(partial)
      throw error
    }
  }

  private func targetRepository(_ directory: String, of path: String) throws -> any Repository {
    do {
      return try hypervisor.repository(directory: directory)
    } catch {
      let prefix = "cannot open directory '\(directory)': "
      let text = "\(error)"
      let why = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
      throw BackupError(.failed, "failed to create image file '\(path)': \(why)")
    }
  }

  /// Opens the target of a copy for writing.
  func open(_ target: CopyTarget, of disk: CreatePlan.Disk, in monitor: any Monitor) throws {
    let capacity = disk.live.capacity
    let names = disk.names
    var made = TargetImage(isDevice: target.type == .block, capacity: capacity)
    let isOpened = {
      try context.open(
        path: target.store.path, format: target.imageFormat, file: names.targetFile,
        image: names.target, isDirect: target.imageFormat != "raw" || capacity % 4096 == 0,
        made: made, in: monitor)
    }
    guard let encryption = target.store.encryption else {
      if made.isDevice, target.format == "qcow2" { made.job = names.formatJob }
      return try isOpened()
    }
    made.job = names.formatJob
    made.encryption = encryption.options(keySecret: names.targetSecret)
    try monitor.withSecret(try hypervisor.secret(encryption.secret), as: names.targetSecret) {
      try isOpened()
    }
  }

  // MARK: - The end

  /// A create is whole when its manifest is there, or its copies were decided to be published.
  func isWhole(_ pending: Catalog.Pending, _ manifest: Manifest) throws -> Bool {
    guard pending.partial.isCopy else {
      return try context.pool.isPublished(manifest.uuid, in: manifest.volumeNames.manifest)
    }
    // An earlier version had a mark for that.
    return try notedOutcome(of: pending) == .publish || repository.contains(pending.mark)
  }

  /// What remains to be done for copies that are whole and taken out of QEMU.
  func finishCopies(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    if let guest { try guest.monitor.dismissJobs(of: pending.partial) }
    guard try journal.isUnderWay(pending) else { return }
    try context.deleteScratch(of: pending.partial)
    try journal.end(pending)
  }

  /// Deletes the files of copies that are not whole.
  ///
  /// Where others can write to the pool the partial may be theirs: it must not say what is deleted
  /// elsewhere.
  func deleteTargets(of pending: Catalog.Pending) throws {
    guard case .create(_, let disks, _, _) = pending.partial.operation else { return }
    let files = disks.enumerated().compactMap { number, disk in
      disk.target.flatMap { $0.type == .file ? (number: number, path: $0.path) : nil }
    }
    guard !journal.trusts(pending.partial) else {
      return try journal.discard(files, of: pending, title: "the copy")
    }
    for (_, path) in files {
      observer.notice("the copy '\(path)' is not whole; it is left where it is")
    }
  }
}
