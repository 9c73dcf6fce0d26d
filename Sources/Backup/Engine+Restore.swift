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
      try? undoRestore(pending, isOwn: true)
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

  // MARK: - Before anything is written

  /// The definition that will be defined.
  func definition(for plan: RestorePlan, options: RestoreOptions) throws -> String {
    let recorded = plan.point.manifest.inactiveDomainXML ?? plan.point.manifest.domainXML
    let known = Set(try DomainDefinition(parsing: recorded).disks.map(\.target))
    // A disk that was plugged in for the moment only is restored, but not defined.
    let moved = plan.disks.filter { !$0.isAsDefined && known.contains($0.stored.name) }
    return try RestoredDefinition(
      disks: moved.map(\.restored),
      removedDisks: options.newName == nil ? [] : try notCopied(plan, of: recorded),
      copy: options.newName.map { .init(name: $0, uuid: process.newUUID()) }
    ).apply(to: recorded)
  }

  /// Disks that a copy must not have: two domains would write one image.
  private func notCopied(_ plan: RestorePlan, of definition: String) throws -> Set<String> {
    let restored = Set(plan.disks.map(\.stored.name))
    return Set(
      try DomainDefinition(parsing: definition).disks.filter {
        !restored.contains($0.target) && !$0.isReadOnly && $0.device == "disk"
      }.map(\.target))
  }

  /// Refuses what a pool that others can write must not decide.
  ///
  /// - Throws: ``BackupError`` that says what.
  func checkTrust(
    _ plan: RestorePlan, options: RestoreOptions, definition: String?, emulators: Set<String>
  ) throws {
    guard !repository.isTrusted else { return }
    let named = Set(options.disks.filter { $0.file != nil }.map(\.name))
    if options.targetDirectory == nil,
      let disk = plan.disks.first(where: { !named.contains($0.stored.name) })
    {
      throw BackupError(
        .invalid,
        "others can write to pool '\(repository.name)': its backups are restored only into "
          + "--target-pool or to named files (disk '\(disk.stored.name)')")
    }
    guard let definition else { return }
    let offenders = try DomainDefinition.offenders(
      in: definition, restoring: Set(plan.disks.map(\.stored.name)), emulators: emulators)
    if !offenders.isEmpty {
      throw BackupError(
        .invalid,
        "others can write to pool '\(repository.name)', and the definition in the backup has what "
          + "could harm the host: \(offenders.joined(separator: "; ")). --no-define restores the "
          + "disks alone")
    }
  }

  /// Refuses a definition whose UUID or name a domain has.
  ///
  /// - Throws: ``BackupError`` with code `exists`.
  func refuseWhileTaken(_ definition: String) throws {
    let parsed = try DomainDefinition(parsing: definition)
    if let name = try hypervisor.domainName(uuid: parsed.uuid) {
      throw BackupError(
        .exists,
        "operation failed: domain '\(name)' exists; restore a copy beside it with --newname")
    }
    if let uuid = try hypervisor.domainUUID(name: parsed.name) {
      throw BackupError(
        .exists,
        "operation failed: domain '\(parsed.name)' already exists with uuid \(uuid)")
    }
  }

  /// The volumes of each disk's directory, after a look that the names are free.
  func targetRepositories(
    for plan: RestorePlan
  ) throws -> [String: any Repository] {
    var repositories: [String: any Repository] = [:]
    for disk in plan.disks where !disk.isDevice {
      let repository =
        try repositories[disk.directory] ?? hypervisor.repository(directory: disk.directory)
      if repositories.updateValue(repository, forKey: disk.directory) == nil {
        try repository.refresh()
      }
      if try repository.contains(disk.fileName) || hypervisor.isTaken(disk.path) {
        throw BackupError(.exists, "disk '\(disk.stored.name)': file '\(disk.path)' exists")
      }
    }
    return repositories
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

  /// Gives the files their names and defines the domain: the data is whole.
  private func finishRestore(_ pending: Catalog.Pending) throws {
    guard case .restore(_, let disks, let definition, _) = pending.partial.operation else { return }
    var directories: Set<String> = []
    for disk in disks where disk.temporaryPath != disk.path {
      directories.insert(RestorePlan.split(disk.path).directory)
      _ = try hypervisor.rename(disk.temporaryPath, to: disk.path)
    }
    for directory in directories { try hypervisor.repository(directory: directory).refresh() }
    if let definition {
      let uuid = try DomainDefinition(parsing: definition).uuid
      if try hypervisor.domainName(uuid: uuid) == nil { try hypervisor.define(definition) }
      try restoreAutostart(pending, uuid: uuid)
    }
    // In this order: a mark without its partial says nothing, a partial without its mark would say
    // that the files are not whole.
    try repository.delete(pending.volume)
    try repository.delete(pending.volume + VolumeNames.doneSuffix)
  }

  /// Takes back a restore whose data is not whole.
  ///
  /// - Parameters:
  ///   - pending: The restore.
  ///   - isOwn: Whether we began it ourselves. Else, where others can write to the pool, the partial
  ///     may be theirs: it must not say what is deleted elsewhere.
  /// - Throws: What libvirt throws; the next command goes on.
  func undoRestore(_ pending: Catalog.Pending, isOwn: Bool) throws {
    guard case .restore(_, let disks, _, _) = pending.partial.operation,
      try repository.contains(pending.volume),
      try !repository.contains(pending.volume + VolumeNames.doneSuffix)
    else { return }
    try endHelper(of: pending.partial)
    for disk in disks where !disk.isDevice {
      guard isOwn || repository.isTrusted else {
        observer.notice("the file '\(disk.temporaryPath)' is not whole; it is left where it is")
        continue
      }
      try delete(disk.temporaryPath)
    }
    try repository.delete(pending.volume)
  }

  /// Deletes a file through the pool of its directory; a missing one is fine.
  func delete(_ path: String) throws {
    let (directory, name) = RestorePlan.split(path)
    let files = try hypervisor.repository(directory: directory)
    try files.refresh()
    try files.delete(name)
  }

  func settleRestore(_ pending: Catalog.Pending) throws -> Settlement {
    let partial = pending.partial
    if let name = partial.helper, process.liveness(partial.owner) != .dead,
      let helper = try hypervisor.guest(name: name),
      try !jobs(of: partial, in: helper.monitor).isEmpty
    {
      return .running
    }
    guard try isAbandoned(pending) else { return .running }
    if partial.isOverwrite { return try settleOverwrite(pending) }
    guard try repository.contains(pending.volume + VolumeNames.doneSuffix) else {
      try undoRestore(pending, isOwn: false)
      return .undone
    }
    try endHelper(of: partial)
    if repository.isTrusted {
      try finishRestore(pending)
      return .finished
    }
    // Others can write to the pool: what it says is whole must not be moved and defined by us.
    try leaveRestore(pending)
    return .undone
  }

  /// Gives up a restore of a pool that others can write to, and touches nothing that it names.
  func leaveRestore(_ pending: Catalog.Pending) throws {
    guard case .restore(_, let disks, _, _) = pending.partial.operation else { return }
    for disk in disks {
      observer.notice(
        "the restore of '\(disk.path)' has not ended, and others can write to pool "
          + "'\(repository.name)'; what it made is left where it is")
    }
    try repository.delete(pending.volume)
    try repository.delete(pending.volume + VolumeNames.doneSuffix)
  }
}
