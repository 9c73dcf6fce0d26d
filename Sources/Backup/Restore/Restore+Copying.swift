// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// A helper domain's QEMU reads the point and writes the files and devices of a restore.
extension Restore {
  /// Copies disks of a point, and the NVRAM, into files and devices.
  ///
  /// - Parameters:
  ///   - disks: What is copied; each has the number in QEMU that its place here says.
  ///   - point: The point.
  ///   - paths: Where each goes.
  ///   - pending: The operation.
  ///   - places: Where that is.
  ///   - bandwidth: Bytes per second in all; nil for no limit.
  ///   - deadline: When to give up; nil for never.
  ///   - whenWhole: What is done while the helper still shows others that a client is at it.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func copy(
    _ disks: [RestorePlan.Disk], of point: Point, to paths: [String], pending: Catalog.Pending,
    in places: HostPlaces, bandwidth: UInt64?, deadline: ContinuousClock.Instant?,
    whenWhole: () throws -> Void = {}
  ) throws {
    let helper = try startCopying(
      disks, of: point, to: paths, pending: pending, in: places, bandwidth: bandwidth)
    defer { try? helper.destroy() }
    try context.wait(for: pending, disks: disks.map(\.stored.name), in: helper, deadline: deadline)
    try endCopying(disks.map(\.stored.name), of: pending.partial, in: helper)
    try whenWhole()
  }

  /// Starts the copies of ``copy(_:of:to:pending:in:bandwidth:deadline:whenWhole:)``.
  ///
  /// - Parameters:
  ///   - disks: What is copied.
  ///   - point: The point.
  ///   - paths: Where each goes.
  ///   - pending: The operation.
  ///   - places: Where that is.
  ///   - bandwidth: Bytes per second in all; nil for no limit.
  ///   - outlivesClient: Whether they go on when our connection ends.
  /// - Returns: The helper domain that copies.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; there is no helper then.
  func startCopying(
    _ disks: [RestorePlan.Disk], of point: Point, to paths: [String], pending: Catalog.Pending,
    in places: HostPlaces, bandwidth: UInt64?, outlivesClient: Bool = false
  ) throws -> any Guest {
    let held = try HelperDomain.start(
      try disks.map { (name: $0.stored.name, disk: try helperDisk($0)) },
      operation: pending.partial.uuid,
      domain: try DomainDefinition(parsing: point.manifest.domainXML),
      outlivesClient: outlivesClient, in: context)
    do {
      try startCopying(
        disks, to: paths, pending: pending, in: places, bandwidth: bandwidth, held: held)
    } catch {
      try? held.end()
      throw error
    }
    return held.guest
  }

  private func startCopying(
    _ disks: [RestorePlan.Disk], to paths: [String], pending: Catalog.Pending,
    in places: HostPlaces, bandwidth: UInt64?, held: HelperDomain
  ) throws {
    let helper = held.guest
    let definition = try DomainDefinition(parsing: try helper.definition())
    var made: [(files: any Repository, name: String)] = []
    for (number, (disk, path)) in zip(disks, paths).enumerated() {
      try observer.stopIfInterrupted()
      let names = NodeNames(operation: pending.partial.uuid, disk: number)
      if !disk.isDevice {
        let files = try places.files(in: disk.directory)
        let name = Paths.split(path).name
        do {
          try files.create(
            VolumeSpecification(
              name: name, format: disk.format, capacity: disk.stored.capacity,
              owner: hypervisor.imageOwner(of: definition), label: definition.imageLabel))
        } catch let error as BackupError where error.code == .exists {
          // Without the partial nobody takes a file for ours that somebody else just made.
          for (files, name) in made { try files.delete(name) }
          try repository.delete(pending.volume)
          throw error
        }
        made.append((files, name))
        try journal.noteMade(path, number, of: pending)
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
      try helper.monitor.close(names.target)
      try helper.monitor.close(names.targetFile)
    }
  }

  private func helperDisk(_ disk: RestorePlan.Disk) throws -> HelperDefinition.Disk {
    try repository.helperDisk(
      disk.chain, format: disk.isNVRAM ? disk.stored.format : "qcow2")
  }
}
