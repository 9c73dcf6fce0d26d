// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

extension Context {
  /// Where a scratch volume is: in a directory, or in the pool.
  private func scratchRepository(_ directory: String?) throws -> any Repository {
    try directory.map(hypervisor.repository(directory:)) ?? repository
  }

  /// Refuses to overwrite anything: what is undone is deleted by name.
  ///
  /// - Throws: ``BackupError`` where something has the name of a scratch volume; what libvirt throws
  ///   where there is no such directory.
  package func checkScratch(of view: FrozenView) throws {
    for directory in Set(view.disks.map(\.scratchDirectory)) {
      let scratch = try scratchRepository(directory)
      try scratch.look()
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
  package func deleteScratch(of partial: Partial) throws {
    for disk in partial.liveDisks {
      guard let volume = disk.scratchVolume else { continue }
      guard disk.scratchDirectory == nil || journal.trusts(partial) else {
        observer.notice(
          "the scratch file '\(volume)' in '\(disk.scratchDirectory ?? "")' is left where it is")
        continue
      }
      do {
        try scratchRepository(disk.scratchDirectory).delete(volume)
      } catch {
        guard let directory = disk.scratchDirectory, hypervisor.isGone(directory) else {
          throw error
        }
        observer.notice(
          "the scratch file '\(volume)' is not deleted: its directory '\(directory)' is gone")
      }
    }
  }

  /// Freezes the states of disks, from one instant on.
  ///
  /// Several disks of a guest that runs are frozen by a single command, to which relays lead
  /// (``FrozenView/hasRelays``); those of one that is suspended are frozen one after the other.
  ///
  /// - Parameters:
  ///   - view: The disks.
  ///   - pending: The operation, which says how the guest is held meanwhile. Should it be gone from
  ///     the pool when the guest is about to be touched, another client ended it.
  ///   - definition: The live definition.
  ///   - guest: The guest.
  ///   - beforeInstant: What else must work before the guest is touched.
  ///   - atInstant: What else belongs to the instant.
  /// - Throws: `MissingViewDrivers`, ``BackupError``, `QMPError` or what libvirt throws; the guest
  ///   runs then, and what was made is for the caller to undo.
  package func openView(
    _ view: FrozenView, pending: Catalog.Pending, definition: DomainDefinition, guest: any Guest,
    beforeInstant: () throws -> Void = {}, atInstant: () throws -> Void = {}
  ) throws {
    let monitor = guest.monitor
    func openScratches() throws {
      for disk in view.disks {
        try observer.stopIfInterrupted()
        try openScratch(
          of: disk, backing: view.readsScratch ? disk.live.node.nodeName : nil, in: monitor)
      }
    }
    func openFilters() throws {
      for command in view.openFilters { try openFilter(command, in: monitor) }
    }
    func openViews() throws { for command in view.openViews { try monitor.execute(command) } }

    try makeScratches(of: view, owner: definition)
    // A scratch that stands on a disk is of a QEMU whose sessions serve no disk in such a thread.
    try openScratches()
    let waits = view.support.suspends && view.support.hasIOThreads
    if !waits { try openFilters() }
    for command in view.openRelays { try monitor.execute(command) }
    for command in view.flushDisks { try flush(command, in: monitor) }
    try beforeInstant()
    try instant(
      of: pending, guest: guest, needsSuspension: view.needsSuspension,
      frozenMark: view.disks.first?.names.scratch
    ) {
      if waits { try openFilters() }
      for command in view.insertRelays { try monitor.execute(command) }
      if let command = view.startRecording { try monitor.execute(command) }
      try insertFilters(of: view, in: monitor)
      if waits { try openViews() }
      try atInstant()
    }
    if !waits { try openViews() }
    if let command = view.selectChanges { try monitor.execute(command) }
  }

  /// Makes the scratch volumes of a view; an encrypted one is a plain file until it is opened.
  package func makeScratches(of view: FrozenView, owner definition: DomainDefinition) throws {
    let owner = try hypervisor.imageOwner(of: definition)
    for disk in view.disks {
      try observer.stopIfInterrupted()
      try scratchRepository(disk.scratchDirectory).create(
        VolumeSpecification(
          name: disk.scratchVolume, format: disk.isEncrypted ? "raw" : "qcow2",
          capacity: disk.isEncrypted ? 0 : disk.live.capacity, owner: owner,
          label: definition.imageLabel))
    }
  }

  /// Opens a scratch volume.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - backing: The node that is read where the scratch has nothing; nil for none.
  ///   - monitor: The monitor of the domain.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  package func openScratch(
    of disk: FrozenView.Disk, backing: String?, in monitor: any Monitor
  ) throws {
    let path = try scratchRepository(disk.scratchDirectory).path(of: disk.scratchVolume)
    if disk.isEncrypted {
      try openEncryptedScratch(of: disk, at: path, backing: backing, in: monitor)
    } else {
      try open(
        path: path, format: "qcow2", file: disk.names.scratchFile, image: disk.names.scratch,
        backing: backing, in: monitor)
    }
  }

  /// Adds a filter over a disk.
  ///
  /// - Throws: `MissingViewDrivers` where the QEMU has no such filters at all; ``BackupError`` where
  ///   it refuses this one.
  private func openFilter(_ command: Command, in monitor: any Monitor) throws {
    do {
      try monitor.execute(command)
    } catch let error as QMPError {
      guard try hasViewDrivers(monitor) else { throw MissingViewDrivers() }
      throw BackupError(
        .failed,
        "the domain's QEMU cannot keep a frozen view of its disks (copy-before-write: \(error.desc))"
      )
    }
  }

  /// Tries the drivers of a view on disks of no content.
  ///
  /// A QEMU that was built with a list of allowed drivers names all of them in its schema, and
  /// refuses those that are not on the list only when they are used.
  private func hasViewDrivers(_ monitor: any Monitor) throws -> Bool {
    let names = NodeNames(operation: process.newUUID(), disk: 0)
    let size = UInt64(BitmapName.granularity)
    let nodes: [(String, BlockdevOptions)] = [
      (names.scratchFile, .null(names.scratchFile, size: size)),
      (names.targetFile, .null(names.targetFile, size: size)),
      (
        names.filter,
        .copyBeforeWrite(
          names.filter, file: names.targetFile, target: names.scratchFile,
          timeout: FrozenView.filterTimeout)
      ),
      (names.view, .snapshotAccess(names.view, file: names.filter)),
    ]
    var opened: [String] = []
    defer { for node in opened.reversed() { try? monitor.close(node) } }
    for (name, node) in nodes {
      do {
        try monitor.execute(.blockdevAdd(node))
      } catch is QMPError {
        return false
      }
      opened.append(name)
    }
    return true
  }

  /// Does what belongs to one instant of a guest, held as its operation says.
  ///
  /// The guest's file systems are frozen before it is suspended and thawed after it runs again: its
  /// agent answers only while it runs.
  ///
  /// - Parameters:
  ///   - pending: The operation. Should it be gone from the pool, another client ended it.
  ///   - guest: The guest.
  ///   - needsSuspension: Whether the guest has to stand still, by us or by somebody else.
  ///   - frozenMark: Node of ours that is marked while file systems are frozen.
  ///   - work: What is done while the guest is held.
  /// - Throws: ``BackupError`` or what `work` throws; the guest runs then.
  package func instant(
    of pending: Catalog.Pending, guest: any Guest, needsSuspension: Bool, frozenMark: String?,
    _ work: () throws -> Void
  ) throws {
    try observer.stopIfInterrupted()
    try journal.requireUnderWay(pending)
    let (isSuspended, isFrozen) = pending.partial.holdsGuest
    guard isSuspended || isFrozen else {
      if needsSuspension { try expectStandstill(of: guest) }
      try work()
      if needsSuspension { try expectStandstill(of: guest) }
      return
    }
    let guardian = try hypervisor.guardGuest(
      uuid: pending.partial.domainUUID, isSuspended: isSuspended,
      frozenMark: isFrozen ? frozenMark : nil)
    do {
      try guardian.hold()
      // Freezing takes its time.
      try journal.requireUnderWay(pending)
      try work()
      try guardian.release()
    } catch {
      guardian.abandon()
      try? letGo(of: pending.partial, guest)
      throw error
    }
  }

  /// Has QEMU flush something by a command that it refuses after that.
  ///
  /// A flush that fails is one for the guest to hear of: it is the guest's own data.
  private func flush(_ command: Command, in monitor: any Monitor) throws {
    do {
      try monitor.execute(command)
    } catch is QMPError {
      return
    }
  }

  /// Puts the filters under the devices; all at once where there are relays.
  private func insertFilters(of view: FrozenView, in monitor: any Monitor) throws {
    for (number, command) in view.insertFilters.enumerated() {
      do {
        try monitor.execute(command)
      } catch let error as QMPError {
        let disks = view.hasRelays ? view.disks : [view.disks[number]]
        let shared = disks.filter(\.live.isShareable).map(\.live.name)
        guard let name = shared.first else { throw error }
        // The filter does not see the writes of others, and does not let them.
        throw BackupError(
          .busy,
          "disk '\(shared.joined(separator: "', '"))' is shareable, and another domain may be using "
            + "it (\(error.desc)): shut that down, or exclude the disk with --diskspec "
            + "\(name),backup=no")
      }
    }
  }

  /// Expects that somebody else has the guest stand still, since nobody would know afterwards that
  /// we have stopped it.
  private func expectStandstill(of guest: any Guest) throws {
    if try guest.standstill() == .none { throw BackupError.movedOn }
  }

  /// Opens the scratch volume of a disk whose copy is encrypted, and makes it an encrypted image.
  ///
  /// Its passphrase is known to this QEMU alone: nobody ever opens it again.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - path: The volume, which is an empty file.
  ///   - backing: The node that is read where the scratch has nothing; nil for none.
  ///   - monitor: The monitor of the domain.
  /// - Throws: ``BackupError`` or `QMPError`.
  package func openEncryptedScratch(
    of disk: FrozenView.Disk, at path: String, backing: String?, in monitor: any Monitor
  ) throws {
    let names = disk.names
    var encryption = LUKSOptions(keySecret: names.scratchSecret)
    // There is nothing to guess in a random passphrase.
    encryption.iterationTime = 10
    let image = TargetImage(
      isDevice: false, capacity: disk.live.capacity, job: names.scratchFormatJob,
      encryption: encryption)
    let passphrase = (0..<32).map { _ in UInt8.random(in: UInt8(ascii: "a")...UInt8(ascii: "p")) }
    try monitor.withSecret(passphrase, as: names.scratchSecret) {
      try open(
        path: path, format: "qcow2", file: names.scratchFile, image: names.scratch,
        backing: backing, made: image, in: monitor)
    }
  }
}
