// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Where a scratch volume is: in a directory, or in the pool.
  private func scratchRepository(_ directory: String?) throws -> any Repository {
    try directory.map(hypervisor.repository(directory:)) ?? repository
  }

  /// Refuses to overwrite anything: what is undone is deleted by name.
  ///
  /// - Throws: ``BackupError`` where something has the name of a scratch volume; what libvirt throws
  ///   where there is no such directory.
  func checkScratch(of view: FrozenView) throws {
    for directory in Set(view.disks.map(\.scratchDirectory)) {
      let scratch = try scratchRepository(directory)
      try scratch.refresh()
      for disk in view.disks where disk.scratchDirectory == directory {
        let path = scratch.path(of: disk.scratchVolume)
        guard try !scratch.contains(disk.scratchVolume), !hypervisor.isTaken(path) else {
          throw BackupError.targetExists(path, disk: disk.live.name)
        }
      }
    }
  }

  /// Deletes the scratch volumes of an operation.
  ///
  /// Where others can write to the pool the partial may be theirs: it must not say what is deleted
  /// elsewhere.
  func deleteScratch(of partial: Partial) throws {
    for disk in partial.liveDisks {
      guard let volume = disk.scratchVolume else { continue }
      guard disk.scratchDirectory == nil || trusts(partial) else {
        observer.notice(
          "the scratch file '\(volume)' in '\(disk.scratchDirectory ?? "")' is left where it is")
        continue
      }
      try scratchRepository(disk.scratchDirectory).delete(volume)
    }
  }

  /// Freezes the states of disks, from one instant on.
  ///
  /// - Parameters:
  ///   - view: The disks.
  ///   - pending: The operation, which says how the guest is held meanwhile. Should it be gone from
  ///     the pool when the guest is about to be touched, another client ended it.
  ///   - definition: The live definition.
  ///   - guest: The guest.
  ///   - beforeInstant: What else must work before the guest is touched.
  ///   - atInstant: What else belongs to the instant.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the guest runs then, and what was
  ///   made is for the caller to undo.
  func openView(
    _ view: FrozenView, pending: Catalog.Pending, definition: DomainDefinition, guest: any Guest,
    beforeInstant: () throws -> Void = {}, atInstant: () throws -> Void = {}
  ) throws {
    let monitor = guest.monitor
    let owner = try imageOwner(of: definition)
    for disk in view.disks {
      try stopIfInterrupted()
      let scratch = try scratchRepository(disk.scratchDirectory)
      if disk.isEncrypted {
        try openEncryptedScratch(
          of: disk, in: scratch, owner: owner, label: definition.imageLabel, monitor: monitor)
        continue
      }
      try scratch.create(
        VolumeSpecification(
          name: disk.scratchVolume, format: "qcow2", capacity: disk.live.capacity, owner: owner,
          label: definition.imageLabel))
      try open(
        path: scratch.path(of: disk.scratchVolume), format: "qcow2",
        file: disk.names.scratchFile, image: disk.names.scratch, in: monitor)
    }
    for command in view.openFilters { try openFilter(command, in: monitor) }
    try beforeInstant()
    try stopIfInterrupted()
    guard try repository.contains(pending.volume) else {
      throw BackupError(.busy, "another client ended the operation before it began; try again")
    }
    try instant(view, pending: pending, guest: guest, atInstant)
    for command in view.openViews { try monitor.execute(command) }
    if let command = view.selectChanges { try monitor.execute(command) }
  }

  private func openFilter(_ command: Command, in monitor: any Monitor) throws {
    do {
      try monitor.execute(command)
    } catch let error as QMPError {
      throw BackupError(
        .failed,
        "the domain's QEMU cannot keep a frozen view of its disks (copy-before-write: \(error.desc))"
      )
    }
  }

  /// The moment the view is of.
  ///
  /// The guest's file systems are frozen before it is suspended and thawed after it runs again: its
  /// agent answers only while it runs.
  private func instant(
    _ view: FrozenView, pending: Catalog.Pending, guest: any Guest, _ other: () throws -> Void
  ) throws {
    func switchDisks() throws {
      if let command = view.startRecording { try guest.monitor.execute(command) }
      try insertFilters(of: view, in: guest.monitor)
      try other()
    }
    let (isSuspended, isFrozen) = pending.partial.holdsGuest
    guard isSuspended || isFrozen else {
      if view.needsSuspension { try expectStandstill(of: guest) }
      try switchDisks()
      if view.needsSuspension { try expectStandstill(of: guest) }
      return
    }
    let guardian = try hypervisor.guardGuest(
      uuid: pending.partial.domainUUID, isSuspended: isSuspended,
      frozenMark: isFrozen ? view.disks.first?.names.scratch : nil)
    do {
      try guardian.hold()
      try switchDisks()
      try guardian.release()
    } catch {
      guardian.abandon()
      try? letGo(of: pending.partial, guest)
      throw error
    }
  }

  private func insertFilters(of view: FrozenView, in monitor: any Monitor) throws {
    for (disk, command) in zip(view.disks, view.insertFilters) {
      do {
        try monitor.execute(command)
      } catch let error as QMPError where disk.live.isShareable {
        // What others write passes the filter by, and it does not let them.
        throw BackupError(
          .busy,
          "disk '\(disk.live.name)' is shareable, and another domain may be using it "
            + "(\(error.desc)): shut that down, or exclude the disk with --diskspec "
            + "\(disk.live.name),backup=no")
      }
    }
  }

  /// Expects that somebody else has the guest stand still, since nobody would know afterwards that
  /// we have stopped it.
  private func expectStandstill(of guest: any Guest) throws {
    if try guest.standstill() == .none { throw BackupError.movedOn }
  }
}
