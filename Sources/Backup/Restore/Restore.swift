// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

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
  ) throws -> (domain: String, disks: [(name: String, path: String)]) {
    let catalog = try catalog()
    guard let point = catalog.point(uuid: point.manifest.uuid) else {
      throw BackupError(.notFound, "backup '\(point.manifest.name)' is gone")
    }
    let decision = try decide(
      point, options: options, catalog: catalog, emulators: emulators)
    let plan = decision.plan, existing = decision.existing, definition = decision.definition
    try refuseUndefinable(definition, options: options)
    try willWrite()
    tellWhatIsMissing(plan, tpm: decision.tpm, definition: definition, options: options)

    let pending = try begin(decision, options: options, isAsync: isAsync)
    let paths = pending.partial.restore?.disks.map(\.temporaryPath) ?? []
    do {
      if isAsync {
        _ = try startCopying(
          plan.copies, of: point, to: paths, pending: pending, targets: decision.targets,
          bandwidth: options.bandwidth, outlivesClient: true)
      } else {
        try copy(
          plan.copies, of: point, to: paths, pending: pending, targets: decision.targets,
          bandwidth: options.bandwidth, deadline: deadline
        ) {
          try context.markWhole(pending)
        }
      }
    } catch {
      let cause = context.cause(of: error, deadline: deadline)
      try? undoRestore(pending)
      throw cause
    }
    if isAsync {
      // What the copies become is found by the next command.
    } else if let existing {
      try replaceImages(of: existing, pending)
    } else {
      // All data is whole and marked as such: from here on only forward.
      try finishRestore(pending)
    }
    if let definition, options.isStarted, !isAsync {
      try hypervisor.start(
        uuid: try DomainDefinition(parsing: definition).uuid, paused: options.isPaused)
    }
    return (
      options.newName ?? point.manifest.domainName, plan.disks.map { ($0.stored.name, $0.path) }
    )
  }

  /// As ``Engine/definition(ofRestore:options:emulators:)``.
  func definition(
    of point: Point, options: RestoreOptions, emulators: Set<String>
  ) throws -> String? {
    try decide(point, options: options, catalog: catalog(), emulators: emulators).definition
  }

  /// What is decided before anything is written.
  private struct RestoreDecision {
    var plan: RestorePlan
    /// The domain that is to get the disks; nil where there is none.
    var existing: OverwrittenDomain?
    /// What will be defined.
    var definition: String?
    var tpm: Partial.RestoredTPM?
    /// The volumes of each directory that is written to.
    var targets: [String: any Repository]
  }

  private func decide(
    _ point: Point, options: RestoreOptions, catalog: Catalog, emulators: Set<String>
  ) throws -> RestoreDecision {
    if options.isDefined { try checkName(options.newName) }
    var plan = try RestorePlan(
      point, options: options, catalog: catalog, operation: process.newUUID(),
      poolDirectory: hypervisor.poolDirectory(name:))
    let existing =
      try options.isOverwriting ? domainToOverwrite(uuid: point.manifest.domainUUID) : nil
    if let existing { try place(&plan, over: existing, options: options) }
    for disk in plan.disks { try context.checkChain(disk.chain, in: catalog) }
    var definition =
      try existing.map { try self.definition(for: plan, over: $0, options: options) }
      ?? (options.isDefined ? self.definition(for: plan, options: options) : nil)
    var tpm: Partial.RestoredTPM?
    if let text = definition {
      definition = try placeNVRAM(in: &plan, definition: text, over: existing, options: options)
      tpm = try placeTPM(of: point, definition: text, over: existing, options: options)
    }
    // What is recorded does not matter where the domain keeps its own definition.
    try checkTrust(
      plan, options: options,
      definition: existing != nil && !options.disks.isEmpty ? nil : definition,
      emulators: emulators)
    if let definition, existing == nil { try refuseWhileTaken(definition) }
    try context.checkStates(
      [plan.nvram == nil ? nil : point.manifest.nvram, tpm == nil ? nil : point.manifest.tpm],
      in: catalog)
    let targets = try targetRepositories(for: plan)
    try refuseUsedImages(of: plan, over: existing)
    return RestoreDecision(
      plan: plan, existing: existing, definition: definition, tpm: tpm, targets: targets)
  }

  // MARK: - The work

  private func begin(
    _ decision: RestoreDecision, options: RestoreOptions, isAsync: Bool
  ) throws -> Catalog.Pending {
    let plan = decision.plan
    let manifest = plan.point.manifest
    let suffix = Context.temporarySuffix(operation: plan.operation)
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: process.time(),
      helper: Context.helperName(operation: plan.operation),
      operation: .restore(
        .init(
          point: manifest.uuid,
          disks: plan.copies.map {
            .init(
              name: $0.stored.name,
              temporaryPath: !$0.isDevice && hypervisor.canRename(in: $0.directory)
                ? $0.path + suffix : $0.path,
              path: $0.path, isDevice: $0.isDevice, replaced: $0.replaced)
          }, definition: decision.definition, isStarted: options.isStarted,
          isPaused: options.isPaused, tpm: decision.tpm, isAsync: isAsync,
          replacedDefinition: isAsync
            ? decision.existing.map { StableHash.hex($0.text) } : nil)))
    return try context.begin(partial, in: manifest.volumeNames.partial(operation: plan.operation))
  }

  /// Copies disks of a point, and the NVRAM, into files and devices.
  ///
  /// - Parameters:
  ///   - disks: What is copied; each has the number in QEMU that its place here says.
  ///   - point: The point.
  ///   - paths: Where each goes.
  ///   - pending: The operation.
  ///   - targets: The volumes of each directory.
  ///   - bandwidth: Bytes per second in all; nil for no limit.
  ///   - deadline: When to give up; nil for never.
  ///   - whenWhole: What is done while the helper still shows others that a client is at it.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func copy(
    _ disks: [RestorePlan.Disk], of point: Point, to paths: [String], pending: Catalog.Pending,
    targets: [String: any Repository], bandwidth: UInt64?, deadline: ContinuousClock.Instant?,
    whenWhole: () throws -> Void = {}
  ) throws {
    let helper = try startCopying(
      disks, of: point, to: paths, pending: pending, targets: targets, bandwidth: bandwidth)
    defer { try? helper.destroy() }
    try context.wait(for: pending, disks: disks.map(\.stored.name), in: helper, deadline: deadline)
    try endCopying(disks.map(\.stored.name), of: pending.partial, in: helper)
    try whenWhole()
  }

  /// Starts the copies of ``copy(_:of:to:pending:targets:bandwidth:deadline:whenWhole:)``.
  ///
  /// - Parameters:
  ///   - disks: What is copied.
  ///   - point: The point.
  ///   - paths: Where each goes.
  ///   - pending: The operation.
  ///   - targets: The volumes of each directory.
  ///   - bandwidth: Bytes per second in all; nil for no limit.
  ///   - outlivesClient: Whether they go on when our connection ends.
  /// - Returns: The helper domain that copies.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; there is no helper then.
  func startCopying(
    _ disks: [RestorePlan.Disk], of point: Point, to paths: [String], pending: Catalog.Pending,
    targets: [String: any Repository], bandwidth: UInt64?, outlivesClient: Bool = false
  ) throws -> any Guest {
    let held = try context.hold(
      try disks.map { (name: $0.stored.name, disk: try helperDisk($0)) },
      operation: pending.partial.uuid,
      domain: try DomainDefinition(parsing: point.manifest.domainXML),
      outlivesClient: outlivesClient)
    do {
      try startCopying(
        disks, to: paths, pending: pending, targets: targets, bandwidth: bandwidth, in: held)
    } catch {
      try? held.helper.destroy()
      throw error
    }
    return held.helper
  }

  private func startCopying(
    _ disks: [RestorePlan.Disk], to paths: [String], pending: Catalog.Pending,
    targets: [String: any Repository], bandwidth: UInt64?, in held: HeldDisks
  ) throws {
    let helper = held.helper
    let definition = try DomainDefinition(parsing: try helper.definition())
    var made: [(files: any Repository, name: String)] = []
    for (number, (disk, path)) in zip(disks, paths).enumerated() {
      try context.stopIfInterrupted()
      let names = NodeNames(operation: pending.partial.uuid, disk: number)
      if !disk.isDevice, let files = targets[disk.directory] {
        let name = Paths.split(path).name
        do {
          try files.create(
            VolumeSpecification(
              name: name, format: disk.format, capacity: disk.stored.capacity,
              owner: context.imageOwner(of: definition), label: definition.imageLabel))
        } catch let error as BackupError where error.code == .exists {
          // Without the partial nobody takes a file for ours that somebody else just made.
          for (files, name) in made { try files.delete(name) }
          try repository.delete(pending.volume)
          throw error
        }
        made.append((files, name))
        try context.noteMade(path, number, of: pending)
      }
      try context.open(
        path: path, format: disk.format, file: names.targetFile, image: names.target,
        isDirect: disk.format != "raw" || disk.stored.capacity % 4096 == 0,
        made: disk.device, in: helper.monitor)
      // A mirror, since a backup job fills the holes of a raw file with zeroes.
      try helper.monitor.execute(
        .blockdevMirror(
          jobID: names.job, device: held.disks[number].node.nodeName, target: names.target,
          filterNodeName: names.jobFilter,
          speed: JobSpeed.each(of: disks.count, within: bandwidth)))
    }
  }

  /// Closes what copies have written, which are ready: from here on the files are whole.
  ///
  /// - Throws: ``BackupError`` with code `failed` where they could not be written.
  func endCopying(_ disks: [String], of partial: Partial, in helper: any Guest) throws {
    try context.endCopies(of: partial, disks: disks, in: helper)
    for number in disks.indices {
      let names = NodeNames(operation: partial.uuid, disk: number)
      try context.close(names.target, in: helper.monitor)
      try context.close(names.targetFile, in: helper.monitor)
    }
  }

  private func helperDisk(_ disk: RestorePlan.Disk) throws -> HelperDefinition.Disk {
    try context.helperDisk(
      disk.chain, format: disk.stored.name == VolumeNames.nvramDisk ? disk.stored.format : "qcow2")
  }
}
