// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Restores points: as new files, or over what a domain has.
struct Restore: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Restore {
  /// Refuses a restore that would go on without its client from a pool that others can write to.
  ///
  /// - Throws: ``BackupError`` with code `invalid`.
  func refuseUntrusted(isAsync: Bool) throws {
    // Whoever ends it believes what the pool says.
    guard repository.isTrusted || !isAsync else {
      throw BackupError(
        .invalid,
        "others can write to pool '\(repository.name)': a restore from it cannot go on without its "
          + "client")
    }
  }

  /// As ``Engine/restore(_:options:emulators:isAsync:deadline:willWrite:)``, once the domain is settled.
  func run(
    _ point: Point, options: RestoreOptions, emulators: Set<String>, isAsync: Bool,
    deadline: ContinuousClock.Instant?, willWrite: () throws -> Void
  ) throws -> Restored {
    let catalog = try catalog()
    guard let point = catalog.point(uuid: point.manifest.uuid) else {
      throw BackupError(.notFound, "backup '\(point.manifest.name)' is gone")
    }
    let (plan, places) = try decide(point, options: options, catalog: catalog, emulators: emulators)
    try refuseUndefinable(plan.definition, options: options)
    try willWrite()
    for line in plan.missing { observer.notice(line) }

    let pending = try begin(plan, isAsync: isAsync)
    let paths = plan.disks.map(\.temporaryPath)
    do {
      if options.isVerified {
        try context.refuseAltered(
          plan.volumes, advice: "--no-verify restores it as it is", deadline: deadline)
      }
      if isAsync {
        _ = try startCopying(
          plan.disks, of: point, to: paths, pending: pending, in: places,
          bandwidth: options.bandwidth, outlivesClient: true)
      } else {
        try copy(
          plan.disks, of: point, to: paths, pending: pending, in: places,
          bandwidth: options.bandwidth, deadline: deadline
        ) {
          try journal.markWhole(pending)
        }
      }
    } catch {
      let cause = context.cause(of: error, deadline: deadline)
      try? undoRestore(pending)
      throw cause
    }
    if isAsync {
      // The next command that finds all data copied does the rest.
    } else if let existing = plan.existing {
      try replaceImages(of: existing, pending)
    } else {
      // All data is whole and marked as such: from here on only forward.
      try finishRestore(pending)
    }
    let restored = Restored(
      domain: options.newName ?? point.manifest.domainName,
      disks: plan.images.map {
        Restored.Disk(name: $0.stored.name, path: $0.path, replaced: $0.replaced)
      })
    if let definition = plan.definition, plan.start != .none, !isAsync {
      do {
        try hypervisor.start(
          uuid: try DomainDefinition(parsing: definition).uuid, paused: plan.start == .paused)
      } catch {
        throw BackupError(
          .failed, "domain '\(restored.domain)' is restored and defined, but not started: \(error)")
      }
    }
    return restored
  }

  /// As ``Engine/definition(ofRestore:options:emulators:)``.
  func definition(
    of point: Point, options: RestoreOptions, emulators: Set<String>
  ) throws -> String? {
    try plan(
      for: point, options, in: catalog(), emulators: emulators, places: HostPlaces(context)
    ).definition
  }

  /// Decides what a restore will be, and refuses one that cannot be.
  ///
  /// - Returns: The plan, and the places that its files come to.
  private func decide(
    _ point: Point, options: RestoreOptions, catalog: Catalog, emulators: Set<String>
  ) throws -> (plan: RestorePlan, places: HostPlaces) {
    let places = HostPlaces(context)
    let plan = try plan(for: point, options, in: catalog, emulators: emulators, places: places)
    if let definition = plan.definition, plan.existing == nil { try refuseWhileTaken(definition) }
    try refuseTakenPaths(of: plan, in: places)
    try refuseUsedImages(of: plan)
    return (plan, places)
  }

  /// Decides what a restore will be, whatever is in its way.
  private func plan(
    for point: Point, _ options: RestoreOptions, in catalog: Catalog, emulators: Set<String>,
    places: HostPlaces
  ) throws -> RestorePlan {
    let situation = try situation(
      of: point, options, in: catalog, emulators: emulators, places: places)
    let plan = try RestorePlan(options, in: situation)
    try checkVolumes(of: plan, in: catalog, believesRecords: options.isVerified)
    try plan.refuseUntrusted(options, in: situation)
    return plan
  }

  /// Writes down a restore, before anything of it is made.
  ///
  /// - Throws: ``BackupError`` where another client's operation does not go with it.
  func begin(_ plan: RestorePlan, isAsync: Bool) throws -> Catalog.Pending {
    let manifest = plan.point.manifest
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: process.time(),
      helper: OperationID(plan.operation).helper,
      operation: .restore(plan.document(isAsync: isAsync)))
    return try journal.begin(partial, in: manifest.volumeNames.partial(operation: plan.operation))
  }
}
