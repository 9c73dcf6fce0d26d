// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// A domain is started on thin images over a point's volumes, and is gone when it has shown what it can.
///
/// The domain ends with our connection, and its images are written down before they are made:
/// should a client be killed, the next command takes the rest away.
extension Verify {
  /// The start of a domain as a value: it is decided before anything is made.
  private struct BootPlan {
    var point: Point
    /// The disks, each with the volumes it is made of, its own first.
    var chains: [(disk: Manifest.Disk, chain: [Manifest.Disk])]
    /// The recorded definition.
    var recorded: String
    var parsed: DomainDefinition
    /// The channel and the kernel that the guest starts with, where its definition has them.
    var start: BootedDefinition.Start
    var owner: FileOwner?

    /// True where the domain needs a file for the variables of its firmware.
    var hasNVRAM: Bool { parsed.nvram != nil }
    var names: VolumeNames { point.manifest.volumeNames }

    /// Names of the volumes that are made, the disks' in their order.
    func volumes(_ operation: String) -> [String] {
      chains.map { names.booted($0.disk.name, operation: operation) }
        + (hasNVRAM ? [names.bootedNVRAM(operation: operation)] : [])
    }
  }

  /// Starts a domain on a point and sees whether it comes up.
  ///
  /// - Parameters:
  ///   - point: The point, whose volumes were found whole.
  ///   - limit: Seconds that it has.
  ///   - wantsScreenshot: Whether what its screen shows at the end is wanted.
  ///   - emulators: Emulators a definition from a pool that others can write may name.
  /// - Returns: What it came to.
  /// - Throws: ``BackupError`` or what libvirt throws where that could not be found out. Nothing of the
  ///   domain is left.
  func boot(
    _ point: Point, limit: Int64, wantsScreenshot: Bool, emulators: Set<String>
  ) throws -> VerifyReport.Boot {
    let plan = try plan(point)
    return try holding(
      point, disks: plan.chains.map(\.disk.name), volumes: plan.volumes, hasHelper: true
    ) { pending in
      let definition = try definition(of: plan, pending)
      try checkTrust(definition, of: plan, pending, emulators: emulators)
      try makeVolumes(of: plan, pending)
      let guest = try hypervisor.startHelper(
        definition, name: pending.partial.helper ?? "", outlivesClient: false)
      defer { try? guest.destroy() }
      observer.notice(
        "Domain '\(pending.partial.helper ?? "")' runs on backup \(point.manifest.name), without a "
          + "network")
      return try watch(
        guest, plan.start, limit: limit, wantsScreenshot: wantsScreenshot)
    }
  }

  private func plan(_ point: Point) throws -> BootPlan {
    let catalog = try catalog()
    let recorded = point.manifest.inactiveDomainXML ?? point.manifest.domainXML
    let parsed = try DomainDefinition(parsing: recorded)
    let known = Set(parsed.disks.map(\.target))
    // A disk that was plugged in for the moment only is not what the domain boots with.
    let disks = point.manifest.disks.filter { known.contains($0.name) }
    guard !disks.isEmpty else {
      throw BackupError(
        .invalid, "backup '\(point.manifest.name)' has no disk that its definition has")
    }
    return BootPlan(
      point: point,
      chains: try disks.map { ($0, try catalog.chain(of: point, disk: $0.name)) },
      recorded: recorded, parsed: parsed, start: .init(of: recorded),
      owner: try hypervisor.imageOwner(of: parsed))
  }

  private func definition(of plan: BootPlan, _ pending: Catalog.Pending) throws -> String {
    let uuid = pending.partial.uuid
    return try BootedDefinition(
      name: pending.partial.helper ?? "", uuid: process.newUUID(), operation: uuid,
      client: process.owner.text,
      disks: try plan.chains.map { disk, chain in
        LayeredDefinition.Disk(
          target: disk.name,
          path: repository.path(of: plan.names.booted(disk.name, operation: uuid)),
          layers: try chain.map {
            .init(
              path: repository.path(of: $0.volume.name),
              // libvirt gives the others to QEMU while the domain runs.
              keepsOwner: try repository.owner(of: $0.volume.name).owner == plan.owner?.owner)
          })
      },
      nvram: plan.hasNVRAM
        ? repository.path(of: plan.names.bootedNVRAM(operation: uuid)) : nil
    ).apply(to: plan.recorded)
  }

  /// Refuses what a pool that others can write must not decide.
  private func checkTrust(
    _ definition: String, of plan: BootPlan, _ pending: Catalog.Pending, emulators: Set<String>
  ) throws {
    guard !repository.isTrusted else { return }
    let offenders = try DomainDefinition.offenders(
      in: definition, restoring: Set(plan.chains.map(\.disk.name)),
      restoredNVRAM: repository.path(
        of: plan.names.bootedNVRAM(operation: pending.partial.uuid)), emulators: emulators)
    guard offenders.isEmpty else {
      throw BackupError(
        .invalid,
        "others can write to pool '\(repository.name)', and the definition in the backup has what "
          + "could harm the host: \(offenders.joined(separator: "; "))")
    }
  }

  private func makeVolumes(of plan: BootPlan, _ pending: Catalog.Pending) throws {
    let uuid = pending.partial.uuid
    for (disk, chain) in plan.chains {
      try observer.stopIfInterrupted()
      try repository.create(
        VolumeSpecification(
          name: plan.names.booted(disk.name, operation: uuid), format: "qcow2",
          capacity: disk.capacity, backing: chain.first?.volume.name, owner: plan.owner))
    }
    // libvirt makes the file from the firmware's template where the point has no NVRAM.
    if plan.hasNVRAM, let nvram = plan.point.manifest.nvram {
      try repository.requireFile(nvram.volume.name)
      try repository.write(
        plan.names.bootedNVRAM(operation: uuid),
        repository.read(nvram.volume.name, offset: 0, length: nvram.capacity))
    }
    // A client that ended the operation meanwhile has not seen these volumes.
    guard try journal.isUnderWay(pending) else {
      throw BackupError(.busy, "another client ended the verification; try again")
    }
  }
}
