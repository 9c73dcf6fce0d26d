// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// What a live restore has come to.
package struct LiveRestored: Sendable, Equatable {
  /// The point.
  package var pointName: String
  /// The domain.
  package var domainName: String
  /// Whether all data is where it belongs; else it is still on its way.
  package var isComplete: Bool
}

/// Restores a domain that runs meanwhile on its backup.
struct LiveRestore: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension LiveRestore {
  /// As ``Engine/restoreLive(_:isNamed:options:emulators:isAsync:deadline:willWrite:)``, once the domain is settled.
  func run(
    _ point: Point, isNamed: Bool, options: RestoreOptions, emulators: Set<String>, isAsync: Bool,
    deadline: ContinuousClock.Instant?, willWrite: (Point) throws -> Void
  ) throws -> LiveRestored {
    let domainUUID = point.manifest.domainUUID
    let catalog = try catalog()
    var pending = try ownLiveRestore(of: domainUUID, newName: options.newName, in: catalog)
    if let partial = pending?.partial, isNamed, partial.liveRestore?.point != point.manifest.uuid {
      throw BackupError.occupied(by: partial)
    }
    if pending == nil {
      guard let point = catalog.point(uuid: point.manifest.uuid) else {
        throw BackupError(.notFound, "backup '\(point.manifest.name)' is gone")
      }
      pending = try beginLive(
        point, options: options, emulators: emulators, in: catalog, deadline: deadline
      ) {
        try willWrite(point)
      }
    }
    guard let pending, let live = pending.partial.liveRestore else {
      throw BackupError(.invalid, "not a live restore")
    }
    try run(pending, live, options: options, isAsync: isAsync)
    if !isAsync {
      try awaitPulls(pending, live, deadline: deadline)
      try finishLive(pending, live, isOwn: true)
    }
    return LiveRestored(pending.partial, isComplete: !isAsync)
  }

  /// The live restore of a point's domain, or of a copy of that name, which this host has under way.
  func own(of point: Point, newName: String?) throws -> Catalog.Pending? {
    try ownLiveRestore(of: point.manifest.domainUUID, newName: newName, in: catalog())
  }

  /// The live restore of a domain, or of a copy of that name, which this host has under way.
  private func ownLiveRestore(
    of domainUUID: String, newName: String?, in catalog: Catalog
  ) throws -> Catalog.Pending? {
    try catalog.pending(concerning: domainUUID).first { pending in
      let partial = pending.partial
      guard partial.liveRestore != nil, try journal.isHere(partial) else { return false }
      return newName.map { $0 == partial.domainName } ?? (partial.domainUUID == domainUUID)
    }
  }

  // MARK: - Until the domain is defined

  private func beginLive(
    _ point: Point, options: RestoreOptions, emulators: Set<String>, in catalog: Catalog,
    deadline: ContinuousClock.Instant?, willWrite: () throws -> Void
  ) throws -> Catalog.Pending {
    let restore = Restore(context), places = HostPlaces(context)
    let situation = try restore.situation(
      of: point, options, in: catalog, emulators: emulators, places: places)
    let plan = try RestorePlan(options, in: situation)
    try restore.checkVolumes(of: plan, in: catalog, believesRecords: options.isVerified)
    guard let plain = plan.definition else {
      throw BackupError(.invalid, "a live restore defines a domain")
    }
    let parsed = try DomainDefinition(parsing: plain)
    try refuseWhatCannotLayer(plan, definition: parsed)
    try plan.refuseUntrusted(options, in: situation)
    try restore.refuseWhileTaken(plain)
    try restore.refuseUndefinable(plain, options: options, isLive: true)
    try restore.refuseTakenPaths(of: plan, in: places)
    let owner = try hypervisor.imageOwner(of: parsed)
    let definition = try LayeredDefinition(
      disks: plan.images.map { disk in
        .init(
          target: disk.stored.name, path: disk.path,
          layers: try disk.chain.map {
            .init(
              path: repository.path(of: $0.volume.name),
              // libvirt would give the others to QEMU, and not back.
              keepsOwner: try repository.owner(of: $0.volume.name).owner == owner?.owner)
          })
      }
    ).applied(to: plain)
    try refuseUnstartable(plan, domain: parsed)
    try willWrite()

    let live = Partial.LiveRestore(
      point: point.manifest.uuid,
      disks: plan.images.map { disk in
        .init(
          name: disk.stored.name, path: disk.path, backing: disk.chain.map(\.volume.name))
      }, nvram: plan.nvram?.path, tpm: plan.tpm)
    for line in plan.missing { observer.notice(line) }
    let pending = try journal.begin(
      Partial(
        uuid: plan.operation, pointName: point.manifest.name, domainName: parsed.name,
        domainUUID: parsed.uuid, host: try hypervisor.host(), owner: process.owner,
        creationTime: process.time(), helper: nil, operation: .live(live)),
      in: point.manifest.volumeNames.partial(operation: plan.operation))
    do {
      for disk in plan.images {
        try observer.stopIfInterrupted()
        try places.files(in: disk.directory).create(
          VolumeSpecification(
            name: disk.fileName, format: "qcow2", capacity: disk.stored.capacity,
            backing: disk.chain.first.map { repository.path(of: $0.volume.name) }, owner: owner))
      }
      if let nvram = plan.nvram {
        try restore.copy(
          [nvram], of: point, to: [nvram.path], pending: pending, in: places, bandwidth: nil,
          deadline: deadline)
      }
      try restore.restoreTPM(plan.tpm, to: parsed.uuid, of: pending)
      for disk in plan.images {
        try places.files(in: disk.directory).synchronize([disk.fileName])
      }
      try hypervisor.define(definition)
      try mark(pending, .pulling(speed: JobSpeed.each(of: 1, within: options.bandwidth)))
      try hypervisor.start(uuid: parsed.uuid, paused: options.start == .paused)
    } catch {
      // The guest has not run: nothing is lost.
      _ = try? undoLive(pending, live, isOwn: true)
      throw error
    }
    return pending
  }

  private func refuseWhatCannotLayer(_ plan: RestorePlan, definition: DomainDefinition) throws {
    for disk in plan.images {
      let name = disk.stored.name
      guard !disk.isDevice else {
        throw BackupError(
          .invalid,
          "unsupported configuration: --live makes files, and disk '\(name)' would be on a device")
      }
      guard disk.format == "qcow2" else {
        throw BackupError(
          .invalid,
          "unsupported configuration: --live needs qcow2, and disk '\(name)' would be "
            + "\(disk.format); --format qcow2 or --diskspec \(name),driver=qcow2 makes it one")
      }
      guard let defined = definition.disks.first(where: { $0.target == name }) else {
        throw BackupError(
          .invalid,
          "unsupported configuration: the recorded definition has no disk '\(name)', which --live "
            + "could run on; name the others with --diskspec")
      }
      if defined.isEncrypted {
        throw BackupError(
          .invalid,
          "unsupported configuration: disk '\(name)' is encrypted, which --live cannot do")
      }
    }
  }

  // MARK: - From there on

  /// Sees to it that the domain runs, and that its data moves where nobody will wait for it.
  private func run(
    _ pending: Catalog.Pending, _ live: Partial.LiveRestore, options: RestoreOptions,
    isAsync: Bool
  ) throws {
    let partial = pending.partial
    if try hypervisor.guest(uuid: partial.domainUUID) == nil {
      try layerAgain(pending, live)
      do {
        try hypervisor.start(uuid: partial.domainUUID, paused: options.start == .paused)
      } catch {
        // Another client may have been faster.
        guard try hypervisor.guest(uuid: partial.domainUUID) != nil else { throw error }
      }
    }
    guard let guest = try hypervisor.guest(uuid: partial.domainUUID) else {
      throw BackupError.ended(partial)
    }
    observer.notice(
      "Domain '\(partial.domainName)' runs on backup \(partial.pointName) while its data is "
        + "restored")
    let speed = JobSpeed.each(of: 1, within: options.bandwidth)
    try mark(pending, .pulling(speed: speed))
    try context.telling(.ended(partial), ifEnded: guest) {
      if isAsync { try pullNext(live, speed: speed, in: guest) }
      // Where it went on already it may have another limit.
      _ = try setSpeed(of: live, to: speed, in: guest)
    }
  }
}

extension LiveRestored {
  /// Tells what became of a live restore.
  init(_ partial: Partial, isComplete: Bool) {
    self.init(
      pointName: partial.pointName, domainName: partial.domainName, isComplete: isComplete)
  }
}
