// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

extension Engine {
  /// Makes a point of a running domain.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - options: What the user asked for.
  ///   - isAsync: Whether to return as soon as the copies run.
  ///   - deadline: When to give up; nil for never.
  /// - Returns: The manifest as published or, for `isAsync`, as it will be.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then, unless the connection is lost: the next command on the domain settles it.
  package func create(
    domainUUID: String, options: CreateOptions, isAsync: Bool, deadline: ContinuousClock.Instant?
  ) throws -> Manifest {
    let guest = try runningGuest(domainUUID)
    try settle(domainUUID: domainUUID)
    let catalog = try catalog()
    try refuseWhileBusy(guest, domainUUID: domainUUID, catalog: catalog)
    let plan = try plan(options, for: guest, catalog: catalog)
    try checkTargets(of: plan)
    for line in plan.leftOut { observer.notice(line) }
    for disk in plan.manifest.disks {
      if let reason = disk.reason { observer.notice("disk '\(disk.name)': full (\(reason))") }
    }
    try checkSpace(for: plan)

    // No operation is under way: what there is was left by clients that died, or by a guest that
    // stood still.
    try removeDescriptorSets(in: guest.monitor) { _ in true }
    let isRunning = try guest.isRunning()
    let partial = try begin(plan, isSuspended: plan.needsSuspension && isRunning)
    do {
      try start(plan, partial: partial, guest: guest)
      if isAsync { return plan.manifest }
      try wait(for: partial, in: guest, deadline: deadline)
      return try publish(partial, guest: guest)
    } catch {
      // What went wrong first is what the user has to know.
      let cause = error
      do {
        try undoCreate(partial, guest: guest)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      throw cause
    }
  }

  /// Decides what a create would be, as a document in which every choice is made.
  ///
  /// Nothing is changed, not even what other clients left is settled.
  ///
  /// - Throws: What ``create(domainUUID:options:isAsync:deadline:)`` throws before it begins.
  package func document(
    ofCreate options: CreateOptions, domainUUID: String
  ) throws -> BackupDefinition {
    try plan(options, for: runningGuest(domainUUID), catalog: catalog()).document
  }

  private func runningGuest(_ domainUUID: String) throws -> any Guest {
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    return guest
  }

  private func plan(
    _ options: CreateOptions, for guest: any Guest, catalog: Catalog
  ) throws -> CreatePlan {
    let text = try guest.definition()
    return try CreatePlan(
      options,
      in: .init(
        definition: try DomainDefinition(parsing: text), definitionText: text,
        inactiveText: try guest.inactiveDefinition(), nodes: try guest.monitor.blockNodes(),
        devices: try guest.monitor.blockDevices(), catalog: catalog, time: process.time(),
        newUUID: process.newUUID))
  }

  /// Nobody else refuses for us: QEMU and libvirt would let two jobs run at once.
  private func refuseWhileBusy(
    _ guest: any Guest, domainUUID: String, catalog: Catalog
  ) throws {
    // What another host left of the domain cannot be running: the domain runs here.
    let host = try hypervisor.hostUUID()
    if let other = catalog.pending(of: domainUUID).first(where: {
      $0.partial.isCreate && $0.partial.hostUUID == host
    }) {
      throw BackupError.alreadyRunning(other.partial.pointName)
    }
    if let job = try guest.activeJob() {
      throw BackupError(
        .busy, "Requested operation is not valid: the domain has an active job (\(job))")
    }
    if let job = try guest.monitor.jobs().first {
      throw BackupError(
        .busy,
        "Requested operation is not valid: the domain has an active block job (\(job.type), "
          + "'\(job.id)')")
    }
    if try guest.monitor.blockNodes().contains(where: {
      NodeNames.operationPrefix(of: $0.nodeName) != nil
    }) {
      throw BackupError(
        .busy,
        "Requested operation is not valid: a backup of the domain into another pool has not ended; "
          + "see backup-jobinfo with --pool")
    }
  }

  private func checkSpace(for plan: CreatePlan) throws {
    let needed = (plan.isCopy ? 0 : plan.expectedBytes) &+ UInt64(plan.disks.count) << 20
    let available = try repository.available()
    guard available >= needed else {
      throw BackupError(
        .failed,
        "pool '\(repository.name)' has \(available >> 20) MiB left, the backup needs about "
          + "\(needed >> 20) MiB")
    }
  }

  /// Writes down what is about to be made.
  private func begin(_ plan: CreatePlan, isSuspended: Bool) throws -> Catalog.Pending {
    let manifest = plan.manifest
    let names = manifest.volumeNames
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, hostUUID: try hypervisor.hostUUID(), owner: process.owner,
      creationTime: manifest.creationTime, helper: nil,
      operation: .create(
        manifest: manifest,
        disks: plan.disks.map {
          .init(
            name: $0.live.name, scratchVolume: $0.scratchVolume, node: $0.live.node.nodeName,
            device: $0.live.device, target: $0.target?.described)
        },
        scratchPool: nil, isSuspended: isSuspended, isFrozen: false))
    do {
      try repository.write(names.partial, Array(try partial.xml().utf8))
    } catch let error as BackupError where error.code == .exists {
      throw BackupError.alreadyRunning(manifest.name)
    }
    let pending = Catalog.Pending(volume: names.partial, partial: partial)
    // Another client may have looked at the same time and seen nothing: both see it now.
    let others = try catalog().pending(of: manifest.domainUUID).filter {
      $0.partial.isCreate && $0.partial.uuid != partial.uuid
        && $0.partial.hostUUID == partial.hostUUID
    }
    if let other = others.first {
      try repository.delete(names.partial)
      throw BackupError.alreadyRunning(other.partial.pointName)
    }
    return pending
  }

  private func start(_ plan: CreatePlan, partial: Catalog.Pending, guest: any Guest) throws {
    let monitor = guest.monitor
    let definition = try DomainDefinition(parsing: plan.manifest.domainXML)
    let owner = try imageOwner(of: definition)
    try makeTargets(of: plan, partial: partial, definition: definition)
    for (disk, described) in zip(plan.disks, plan.manifest.disks) {
      try stopIfInterrupted()
      if let target = disk.target {
        try open(target, of: disk, in: monitor)
      } else {
        try repository.create(
          VolumeSpecification(
            name: described.volume.name, format: "qcow2", capacity: disk.live.capacity,
            backing: disk.baseVolume, owner: owner, label: definition.imageLabel))
        try open(
          path: repository.path(of: described.volume.name), format: "qcow2",
          file: disk.names.targetFile, image: disk.names.target, in: monitor)
      }
      if disk.target?.store.encryption != nil {
        try openEncryptedScratch(of: disk, owner: owner, definition: definition, in: monitor)
        continue
      }
      try repository.create(
        VolumeSpecification(
          name: disk.scratchVolume, format: "qcow2", capacity: disk.live.capacity,
          owner: owner, label: definition.imageLabel))
      try open(
        path: repository.path(of: disk.scratchVolume), format: "qcow2",
        file: disk.names.scratchFile, image: disk.names.scratch, in: monitor)
    }
    for command in plan.openFilters { try openFilter(command, in: monitor) }
    try stopIfInterrupted()
    guard try repository.contains(partial.volume) else {
      throw BackupError(.busy, "another client ended the backup before it began; try again")
    }
    try instant(plan, partial: partial, guest: guest)
    for command in plan.openViews { try monitor.execute(command) }
    if let command = plan.selectChanges { try monitor.execute(command) }
    do {
      try monitor.execute(plan.startJobs(isLimited: true))
    } catch is QMPError {
      try monitor.execute(plan.startJobs(isLimited: false))
    }
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

  /// The moment the point is of.
  private func instant(
    _ plan: CreatePlan, partial: Catalog.Pending, guest: any Guest
  ) throws {
    guard case .create(_, _, _, isSuspended: true, _) = partial.partial.operation else {
      try startRecording(plan, in: guest.monitor)
      for command in plan.insertFilters { try guest.monitor.execute(command) }
      return
    }
    let guardian = try hypervisor.guardResume(of: plan.manifest.domainUUID)
    defer { guardian.release() }
    try guest.suspend()
    let result = Result {
      try startRecording(plan, in: guest.monitor)
      for command in plan.insertFilters { try guest.monitor.execute(command) }
    }
    try guest.resume()
    try result.get()
  }

  private func startRecording(_ plan: CreatePlan, in monitor: any Monitor) throws {
    if let command = plan.startRecording { try monitor.execute(command) }
  }

  /// Whom the images of a running domain belong to.
  func imageOwner(of definition: DomainDefinition) throws -> FileOwner? {
    try definition.imageOwner ?? hypervisor.imageOwner(ofDomainType: definition.type)
  }

  func stopIfInterrupted() throws {
    if observer.isInterrupted { throw BackupError.interrupted }
  }
}

extension Partial {
  /// Whether a point is being made.
  package var isCreate: Bool {
    if case .create = operation { return true }
    return false
  }
}

extension DomainDefinition {
  /// The SELinux label of what the domain's QEMU may write.
  var imageLabel: String? { securityLabels.first { $0.model == "selinux" }?.imageLabel }
}
