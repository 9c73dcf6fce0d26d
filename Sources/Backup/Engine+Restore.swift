// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Restores disks of a point and defines the domain.
  ///
  /// The copies run in a helper domain that ends with our connection: a client that dies leaves
  /// only files with temporary names, which the next command removes.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - options: What the user asked for.
  ///   - emulators: Emulators a definition from a pool that others can write may name.
  ///   - deadline: When to give up; nil for never.
  ///   - willWrite: Called when all checks are passed, before anything is written.
  /// - Returns: The name of the domain, and the paths of its disks by target name.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  package func restore(
    _ point: Point, options: RestoreOptions, emulators: Set<String>,
    deadline: ContinuousClock.Instant?, willWrite: () throws -> Void
  ) throws -> (domain: String, disks: [(name: String, path: String)]) {
    try settle(domainUUID: point.manifest.domainUUID)
    let catalog = try catalog()
    guard let point = catalog.point(uuid: point.manifest.uuid) else {
      throw BackupError(.notFound, "backup '\(point.manifest.name)' is gone")
    }
    var plan = try RestorePlan(
      point, options: options, catalog: catalog, operation: process.newUUID(),
      poolDirectory: hypervisor.poolDirectory(name:))
    let existing = try options.isOverwriting ? domainToOverwrite(with: point) : nil
    if let existing { try place(&plan, over: existing, options: options) }
    for disk in plan.disks { try checkChain(disk.chain, in: catalog) }
    let definition =
      try existing.map { try self.definition(for: plan, over: $0, options: options) }
      ?? (options.isDefined ? self.definition(for: plan, options: options) : nil)
    // What is recorded does not matter where the domain keeps its own definition.
    try checkTrust(
      plan, options: options,
      definition: existing != nil && !options.disks.isEmpty ? nil : definition,
      emulators: emulators)
    if let definition, existing == nil { try refuseWhileTaken(definition) }
    let targets = try targetRepositories(for: plan)
    try refuseUsedImages(of: plan, over: existing)
    try willWrite()
    tellWhatIsMissing(plan, definition: definition, options: options)

    let pending = try begin(plan, definition: definition, options: options)
    do {
      try copy(
        plan, pending: pending, targets: targets, bandwidth: options.bandwidth, deadline: deadline)
    } catch {
      try? undoRestore(pending)
      throw error
    }
    if let existing {
      try replaceImages(of: existing, pending)
    } else {
      // All data is whole and marked as such: from here on only forward.
      try finishRestore(pending)
    }
    if let definition, options.isStarted {
      try hypervisor.start(
        uuid: try DomainDefinition(parsing: definition).uuid, paused: options.isPaused)
    }
    return (
      options.newName ?? point.manifest.domainName, plan.disks.map { ($0.stored.name, $0.path) }
    )
  }

  // MARK: - The work

  private func begin(
    _ plan: RestorePlan, definition: String?, options: RestoreOptions
  ) throws -> Catalog.Pending {
    let manifest = plan.point.manifest
    let prefix = NodeNames.prefix(operation: plan.operation)
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, hostUUID: try hypervisor.hostUUID(), owner: process.owner,
      creationTime: process.time(),
      helper: Engine.helperName(operation: plan.operation),
      operation: .restore(
        point: manifest.uuid,
        disks: plan.disks.map {
          .init(
            name: $0.stored.name,
            temporaryPath: !$0.isDevice && hypervisor.canRename(in: $0.directory)
              ? "\($0.path).\(prefix)part" : $0.path,
            path: $0.path, isDevice: $0.isDevice, replaced: $0.replaced)
        }, definition: definition, isStarted: options.isStarted))
    return try begin(partial, in: manifest.volumeNames.partial(operation: plan.operation))
  }

  private func copy(
    _ plan: RestorePlan, pending: Catalog.Pending, targets: [String: any Repository],
    bandwidth: UInt64?, deadline: ContinuousClock.Instant?
  ) throws {
    guard case .restore(_, let paths, _, _) = pending.partial.operation else { return }
    let recorded = try DomainDefinition(parsing: plan.point.manifest.domainXML)
    let held = try hold(
      plan.disks.map { (name: $0.stored.name, disk: helperDisk($0.chain)) },
      operation: plan.operation, domain: recorded)
    let helper = held.helper
    defer { try? helper.destroy() }
    let definition = try DomainDefinition(parsing: try helper.definition())
    var made: [(files: any Repository, name: String)] = []
    for (number, (disk, path)) in zip(plan.disks, paths).enumerated() {
      try stopIfInterrupted()
      if !disk.isDevice, let files = targets[disk.directory] {
        let name = RestorePlan.split(path.temporaryPath).name
        do {
          try files.create(
            VolumeSpecification(
              name: name, format: disk.format, capacity: disk.stored.capacity,
              owner: imageOwner(of: definition), label: definition.imageLabel))
        } catch let error as BackupError where error.code == .exists {
          // Without the partial nobody takes a file for ours that somebody else just made.
          for (files, name) in made { try files.delete(name) }
          try repository.delete(pending.volume)
          throw error
        }
        made.append((files, name))
      }
      try open(
        path: path.temporaryPath, format: disk.format, file: disk.names.targetFile,
        image: disk.names.target,
        isDirect: disk.format != "raw" || disk.stored.capacity % 4096 == 0,
        made: disk.device, in: helper.monitor)
      // A mirror, since a backup job fills the holes of a raw file with zeroes.
      try helper.monitor.execute(
        .blockdevMirror(
          jobID: disk.names.job, device: held.disks[number].node.nodeName,
          target: disk.names.target,
          filterNodeName: disk.names.jobFilter,
          speed: JobSpeed.each(of: plan.disks.count, within: bandwidth)))
    }
    try wait(for: pending, in: helper, deadline: deadline)
    try finalizeJobs(of: pending.partial, in: helper)
    for disk in plan.disks {
      // Closing flushes: from here on the files are whole.
      try close(disk.names.target, in: helper.monitor)
      try close(disk.names.targetFile, in: helper.monitor)
    }
    try repository.write(pending.volume + VolumeNames.doneSuffix, Array("done\n".utf8))
  }

  /// A disk of a point, as a helper opens it.
  func helperDisk(_ chain: [Manifest.Disk]) -> HelperDefinition.Disk {
    .init(
      chain: chain.map {
        .init(source: .file(repository.path(of: $0.volume.name)), format: "qcow2", index: nil)
      })
  }
}
