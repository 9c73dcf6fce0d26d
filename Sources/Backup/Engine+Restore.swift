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
    let targets = try targetRepositories(for: plan)
    try refuseUsedImages(of: plan, over: existing)
    try willWrite()
    tellWhatIsMissing(plan, tpm: tpm, definition: definition, options: options)

    let pending = try begin(plan, tpm: tpm, definition: definition, options: options)
    do {
      try copy(
        plan.copies, of: point, to: pending.partial.restore?.disks.map(\.temporaryPath) ?? [],
        pending: pending, targets: targets, bandwidth: options.bandwidth, deadline: deadline)
      try repository.write(pending.mark, Array("done\n".utf8))
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
    _ plan: RestorePlan, tpm: Partial.RestoredTPM?, definition: String?, options: RestoreOptions
  ) throws -> Catalog.Pending {
    let manifest = plan.point.manifest
    let prefix = NodeNames.prefix(operation: plan.operation)
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, hostUUID: try hypervisor.hostUUID(), owner: process.owner,
      creationTime: process.time(),
      helper: Engine.helperName(operation: plan.operation),
      operation: .restore(
        .init(
          point: manifest.uuid,
          disks: plan.copies.map {
            .init(
              name: $0.stored.name,
              temporaryPath: !$0.isDevice && hypervisor.canRename(in: $0.directory)
                ? "\($0.path).\(prefix)part" : $0.path,
              path: $0.path, isDevice: $0.isDevice, replaced: $0.replaced)
          }, definition: definition, isStarted: options.isStarted, tpm: tpm)))
    return try begin(partial, in: manifest.volumeNames.partial(operation: plan.operation))
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
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func copy(
    _ disks: [RestorePlan.Disk], of point: Point, to paths: [String], pending: Catalog.Pending,
    targets: [String: any Repository], bandwidth: UInt64?, deadline: ContinuousClock.Instant?
  ) throws {
    let operation = pending.partial.uuid
    let held = try hold(
      disks.map { (name: $0.stored.name, disk: helperDisk($0)) }, operation: operation,
      domain: try DomainDefinition(parsing: point.manifest.domainXML))
    let helper = held.helper
    defer { try? helper.destroy() }
    let definition = try DomainDefinition(parsing: try helper.definition())
    var made: [(files: any Repository, name: String)] = []
    for (number, (disk, path)) in zip(disks, paths).enumerated() {
      try stopIfInterrupted()
      let names = NodeNames(operation: operation, disk: number)
      if !disk.isDevice, let files = targets[disk.directory] {
        let name = RestorePlan.split(path).name
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
    try wait(for: pending, disks: disks.map(\.stored.name), in: helper, deadline: deadline)
    try finalizeJobs(of: pending.partial, in: helper)
    for number in disks.indices {
      // Closing flushes: from here on the files are whole.
      let names = NodeNames(operation: operation, disk: number)
      try close(names.target, in: helper.monitor)
      try close(names.targetFile, in: helper.monitor)
    }
  }

  private func helperDisk(_ disk: RestorePlan.Disk) -> HelperDefinition.Disk {
    helperDisk(
      disk.chain, format: disk.stored.name == VolumeNames.nvramDisk ? disk.stored.format : "qcow2")
  }

  /// A disk of a point, as a helper opens it: what it is made of, and what the volumes are.
  func helperDisk(_ chain: [Manifest.Disk], format: String = "qcow2") -> HelperDefinition.Disk {
    .init(
      chain: chain.map {
        .init(source: .file(repository.path(of: $0.volume.name)), format: format, index: nil)
      })
  }
}
