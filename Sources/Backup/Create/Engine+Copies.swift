// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// Copies to where a document says: no manifest lists them, no bitmap records what follows.
///
/// They run as every create does. What says that they are whole is that they were decided to be
/// published.
extension Engine {
  /// Refuses targets that are there or are the domain's own, before anything is made.
  func checkTargets(of plan: CreatePlan) throws {
    for disk in plan.disks {
      guard let target = disk.target else { continue }
      let path = target.store.path
      // What cannot be read later must not be found out then.
      if let encryption = target.store.encryption { _ = try hypervisor.secret(encryption.secret) }
      switch target.type {
      case .file:
        let (directory, name) = RestorePlan.split(path)
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
    let owner = try imageOwner(of: definition)
    var made: [(files: any Repository, name: String)] = []
    do {
      for (number, disk) in plan.disks.enumerated() {
        guard let target = disk.target, target.type == .file else { continue }
        try stopIfInterrupted()
        let (directory, name) = RestorePlan.split(target.store.path)
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
        try noteMade(target.store.path, number, of: partial)
      }
    } catch {
      for (files, name) in made { try files.delete(name) }
      try forget(partial)
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
      try self.open(
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
    try withSecret(
      try hypervisor.secret(encryption.secret), as: names.targetSecret, in: monitor, isOpened)
  }

  /// Makes an image of an open file or device, where QEMU is to do that.
  ///
  /// For an encrypted one QEMU measures how long its key takes, by the processor time of a thread:
  /// on a busy host that fails now and then, and works when it is tried again.
  ///
  /// - Throws: ``BackupError`` when QEMU cannot.
  func make(
    _ image: TargetImage, format: String, of node: String, path: String, in monitor: any Monitor
  ) throws {
    guard let job = image.job else { return }
    let command = Command.createImage(
      jobID: job, format: format, file: node, size: image.capacity, encryption: image.encryption,
      compression: image.compression, backing: image.backing)
    let trials = image.encryption == nil ? 1 : 10
    for trial in 1...trials {
      guard let error = try failure(of: command, job: job, in: monitor) else { return }
      guard trial < trials else {
        throw BackupError(.failed, "failed to create image in '\(path)': \(error)")
      }
    }
  }

  /// Runs a `blockdev-create` to its end.
  ///
  /// - Returns: Why it failed; nil when it did not.
  private func failure(
    of command: Command, job: String, in monitor: any Monitor
  ) throws -> String? {
    try monitor.execute(command)
    defer { _ = try? monitor.execute(.jobDismiss(job)) }
    while true {
      guard let found = try monitor.jobs().first(where: { $0.id == job }) else { return nil }
      if found.status == "concluded" { return found.error }
      _ = try monitor.nextEvent(timeoutMilliseconds: 200)
    }
  }

  // MARK: - The end

  /// A create is whole when its manifest is there, or its copies were decided to
  /// be published.
  func isWhole(_ pending: Catalog.Pending, _ manifest: Manifest) throws -> Bool {
    guard pending.partial.isCopy else {
      return try isPublished(manifest.uuid, in: manifest.volumeNames.manifest)
    }
    // An earlier version had a mark for that.
    return try notedOutcome(of: pending) == .publish || repository.contains(pending.mark)
  }

  /// Marks the files of a restore as whole: everything is written and closed.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client ended it and deleted them.
  func markWhole(_ pending: Catalog.Pending) throws {
    guard try isUnderWay(pending) else {
      throw BackupError(
        .busy, "another client ended the operation before it was complete; try again")
    }
    try synchronizeTargets(of: pending.partial)
    do {
      try repository.write(pending.mark, Array("done\n".utf8))
    } catch let error as BackupError where error.code == .exists {
      // Another client was faster.
    }
  }

  /// Has the names of files that were written outside of the pool reach the disk.
  func synchronizeTargets(of partial: Partial) throws {
    let paths: [String]
    switch partial.operation {
    case .create(_, let disks, _, _):
      paths = disks.compactMap(\.target).filter { $0.type == .file }.map(\.path)
    case .restore(let restore):
      paths = restore.disks.filter { !$0.isDevice }.map(\.temporaryPath)
    case .delete, .live, .session: return
    }
    for directory in Set(paths.map { RestorePlan.split($0).directory }) {
      try hypervisor.repository(directory: directory).synchronize([])
    }
  }

  /// What remains to be done for copies that are whole and taken out of QEMU.
  func finishCopies(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    if let guest { try dismissJobs(of: pending.partial, in: guest.monitor) }
    guard try isUnderWay(pending) else { return }
    try deleteScratch(of: pending.partial)
    try forget(pending)
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
    guard !trusts(pending.partial) else {
      return try discard(files, of: pending, title: "the copy")
    }
    for (_, path) in files {
      observer.notice("the copy '\(path)' is not whole; it is left where it is")
    }
  }
}

/// What is to be known of a target beyond its path.
struct TargetImage {
  /// Whether it is a block device.
  var isDevice: Bool
  /// Bytes of the disk that is copied.
  var capacity: UInt64
  /// Id of the job by which QEMU makes an image of it; nil for a file that is one, or a raw copy.
  var job: String?
  /// How that is encrypted.
  var encryption: LUKSOptions?
  /// How its clusters are compressed; nil for QEMU's choice.
  var compression: Qcow2Compression?
  /// Name of the volume beside it that it stands on.
  var backing: String?
}
