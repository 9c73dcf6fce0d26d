// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// The steps that the backup of a domain that runs and that of one that is shut off share.
extension Create {
  /// Tells the user what a plan leaves out and copies in full, and checks that there is room.
  func announce(_ plan: CreatePlan) throws {
    try checkTargets(of: plan)
    for line in plan.leftOut { observer.notice(line) }
    for disk in plan.manifest.disks {
      if let reason = disk.reason { observer.notice("disk '\(disk.name)': full (\(reason))") }
    }
    if !plan.isOffline, !plan.isProtected { observer.notice(Protection.warning) }
    if let line = plan.longChain { observer.notice(line) }
    try checkSpace(for: plan)
  }

  private func checkSpace(for plan: CreatePlan) throws {
    // How much smaller it becomes nobody knows.
    let data = plan.isCopy || plan.compression != nil ? 0 : plan.expectedBytes
    let needed = data &+ UInt64(plan.disks.count) << 20
    let available = try repository.available()
    guard available >= needed else {
      throw BackupError(
        .failed,
        "pool '\(repository.name)' has \(available >> 20) MiB left, the backup needs about "
          + "\(needed >> 20) MiB")
    }
  }

  /// Writes down what is about to be made.
  func begin(
    _ plan: CreatePlan, isSuspended: Bool = false, isFrozen: Bool = false, helper: String? = nil
  ) throws -> Catalog.Pending {
    var manifest = plan.manifest
    manifest.host = try hypervisor.host().withoutBoot
    let names = manifest.volumeNames
    let partial = Partial(
      uuid: plan.operation, pointName: manifest.name, domainName: manifest.domainName,
      domainUUID: manifest.domainUUID, host: try hypervisor.host(), owner: process.owner,
      creationTime: manifest.creationTime, helper: helper,
      operation: .create(
        manifest: manifest,
        disks: plan.disks.map {
          .init(
            name: $0.live.name, scratchVolume: $0.scratchVolume,
            scratchDirectory: $0.scratchDirectory, node: $0.live.node.nodeName,
            device: $0.live.device, target: $0.target?.described)
        }
          + (plan.nvram.map {
            [.init(name: VolumeNames.nvramDisk, scratchVolume: nil, node: $0.node, device: "")]
          } ?? []), isSuspended: isSuspended, isFrozen: isFrozen))
    return try journal.begin(partial, in: names.partial)
  }

  /// Makes and opens the volumes that are written, or the copies.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - pending: What was written down of it.
  ///   - definition: The live definition of the domain whose QEMU writes them.
  ///   - monitor: Its monitor.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func openTargets(
    _ plan: CreatePlan, pending: Catalog.Pending, owner definition: DomainDefinition,
    in monitor: any Monitor
  ) throws {
    let owner = try hypervisor.imageOwner(of: definition)
    try makeTargets(of: plan, partial: pending, definition: definition)
    for (disk, described) in zip(plan.disks, plan.manifest.disks) {
      try observer.stopIfInterrupted()
      if let target = disk.target {
        try open(target, of: disk, in: monitor)
        continue
      }
      try repository.create(
        VolumeSpecification(
          name: described.volume.name, format: "qcow2", capacity: disk.live.capacity,
          backing: disk.baseVolume, owner: owner, label: definition.imageLabel))
      try context.open(
        path: repository.path(of: described.volume.name), format: "qcow2",
        file: disk.names.targetFile, image: disk.names.target, made: plan.image(of: disk),
        in: monitor)
    }
    if let nvram = plan.nvram, let described = plan.manifest.nvram {
      try repository.create(
        VolumeSpecification(
          name: described.volume.name, format: "raw", capacity: described.capacity, owner: owner,
          label: definition.imageLabel))
      try context.open(
        path: repository.path(of: described.volume.name), format: "raw",
        file: nvram.names.targetFile, image: nvram.names.target,
        isDirect: described.capacity % 4096 == 0, in: monitor)
    }
  }

  /// Starts the copies of a plan.
  ///
  /// A QEMU may lack the member by which their number of requests is limited.
  func startJobs(of plan: CreatePlan, in monitor: any Monitor) throws {
    do {
      try monitor.execute(plan.startJobs(isLimited: true))
    } catch is QMPError {
      try monitor.execute(plan.startJobs(isLimited: false))
    }
  }

  /// Makes what a plan says, and publishes it or takes it back.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - pending: What was written down of it.
  ///   - isAsync: Whether to return as soon as the copies run.
  ///   - deadline: When to give up; nil for never.
  ///   - start: Opens what is read and what is written, and starts the copies; returns the domain
  ///     whose QEMU copies.
  /// - Returns: The manifest as published or, for `isAsync`, as it will be.
  /// - Throws: What went wrong; nothing of the attempt is left then.
  func carryOut(
    _ plan: CreatePlan, _ pending: Catalog.Pending, isAsync: Bool,
    deadline: ContinuousClock.Instant?, start: () throws -> any Guest
  ) throws -> Manifest {
    do {
      let guest = try start()
      if isAsync { return plan.manifest }
      try context.wait(for: pending, in: guest, deadline: deadline)
      return try context.telling(.guestEnded, ifEnded: guest) { try publish(pending, guest: guest) }
    } catch {
      // The user has to know the first error.
      let cause = context.cause(of: error, deadline: deadline)
      let settlement: Settlement
      do {
        settlement = try undoCreate(pending, guest: try context.guest(of: pending.partial))
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      // Another client may have published it while this one was slow.
      guard settlement == .finished,
        let published = plan.isCopy
          ? plan.manifest
          : context.pool.publishedManifest(
            plan.manifest.uuid, in: plan.manifest.volumeNames.manifest)
      else { throw try named(cause, pending) }
      return published
    }
  }

  /// Names the domain whose end ended a backup that was undone.
  ///
  /// Where the domain is there it was another client that ended the copies.
  private func named(_ cause: any Error, _ pending: Catalog.Pending) throws -> any Error {
    guard (cause as? BackupError) == .guestEnded, pending.partial.helper == nil,
      try hypervisor.guest(uuid: pending.partial.domainUUID) == nil
    else { return cause }
    return BackupError(
      .failed,
      "domain '\(pending.partial.domainName)' ended while it was backed up; nothing of backup "
        + "'\(pending.partial.pointName)' was kept")
  }
}

extension CreatePlan {
  /// The facts about a volume that decide how it is opened; nil where libvirt made it as it is.
  fileprivate func image(of disk: Disk) -> TargetImage? {
    // libvirt makes images whose clusters are compressed by zlib, where they are.
    guard let compression, compression != .zlib else { return nil }
    return TargetImage(
      isDevice: false, capacity: disk.live.capacity, job: disk.names.formatJob,
      compression: compression, backing: disk.baseVolume)
  }
}
