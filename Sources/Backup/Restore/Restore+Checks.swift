// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore that is decided is checked against the host and the pool before anything is written.
extension Restore {
  /// Refuses a definition that libvirt would refuse when all is copied.
  ///
  /// - Throws: ``BackupError`` with code `invalid` that says what helps.
  func refuseUndefinable(
    _ definition: String?, options: RestoreOptions, isLive: Bool = false
  ) throws {
    guard let definition, let refusal = try hypervisor.refusal(of: definition) else { return }
    let remedy =
      if options.isOverwriting {
        "--diskspec restores disks and keeps the domain's own definition"
      } else {
        "--no-define\(isLive ? " without --live" : "") restores the disks alone"
      }
    throw BackupError(
      .invalid,
      "this host refuses the definition of the domain: \(refusal); \(remedy), "
        + "\(isLive ? "and --print-xml without it" : "--print-xml") shows the definition")
  }

  /// Refuses a definition whose UUID or name a domain has.
  ///
  /// - Throws: ``BackupError`` with code `exists`.
  func refuseWhileTaken(_ definition: String) throws {
    let parsed = try DomainDefinition(parsing: definition)
    if let name = try hypervisor.domainName(uuid: parsed.uuid) {
      throw BackupError(
        .exists,
        "operation failed: domain '\(name)' exists; --overwrite replaces its disks while it is shut "
          + "off, --newname makes a copy beside it")
    }
    try refuseTakenName(of: parsed)
    try refuseSavedMemory(of: parsed.name)
  }

  /// Refuses a name of which libvirt has saved memory for the next start.
  ///
  /// libvirt finds the file by the name alone, also where the domain is gone and another is
  /// defined. It tells of saved memory only for domains that it saved itself, or whose file it
  /// found when it was started.
  ///
  /// - Throws: ``BackupError`` with code `exists`.
  func refuseSavedMemory(of name: String) throws {
    guard let path = hypervisor.managedSavePath(name: name), context.isThere(path) else { return }
    throw BackupError(
      .exists,
      "Requested operation is not valid: libvirt would start domain '\(name)' with the memory in "
        + "'\(path)', which is not of the restored disks; move that file away")
  }

  /// Refuses a definition whose name another domain has.
  ///
  /// - Throws: ``BackupError`` with code `exists`.
  func refuseTakenName(of definition: DomainDefinition) throws {
    guard let uuid = try hypervisor.domainUUID(name: definition.name), uuid != definition.uuid
    else { return }
    throw BackupError(
      .exists,
      "operation failed: domain '\(definition.name)' already exists with uuid \(uuid)")
  }

  /// Checks the volumes that a plan reads, before anything is made of them.
  ///
  /// - Throws: ``BackupError`` that names the volume and what is wrong with it, or with code `notFound`
  ///   where that is no damage: another client has deleted the point meanwhile.
  func checkVolumes(
    of plan: RestorePlan, in catalog: Catalog, believesRecords: Bool
  ) throws {
    let manifest = plan.point.manifest
    do {
      for disk in plan.images {
        try context.checkChain(disk.chain, in: catalog, believesRecords: believesRecords)
      }
      try context.checkStates(
        [plan.nvram == nil ? nil : manifest.nvram, plan.tpm == nil ? nil : manifest.tpm],
        in: catalog, believesRecords: believesRecords)
    } catch let error as BackupError {
      guard try self.catalog().point(uuid: manifest.uuid) != nil else {
        throw BackupError(.notFound, "backup '\(manifest.name)' was deleted meanwhile")
      }
      throw error
    }
  }

  /// Refuses new files whose names are taken.
  ///
  /// - Throws: ``BackupError`` with code `exists` that names one.
  func refuseTakenPaths(of plan: RestorePlan, in places: any RestorePlaces) throws {
    for disk in plan.disks where !disk.isDevice {
      if try places.isTaken(disk.path) {
        throw BackupError(.exists, "\(disk.title): file '\(disk.path)' exists")
      }
    }
  }

  /// Refuses images that something else uses.
  ///
  /// - Throws: ``BackupError`` that names the image and what uses it.
  func refuseUsedImages(of plan: RestorePlan) throws {
    for disk in plan.images where disk.isDevice {
      if hypervisor.isTakenDevice(disk.path) {
        throw BackupError(
          .busy,
          "disk '\(disk.stored.name)': device '\(disk.path)' is mounted or used by the system")
      }
      // An image may be smaller than the disk that is in it.
      guard disk.format == "raw", let size = hypervisor.deviceSize(disk.path) else { continue }
      guard size >= disk.stored.capacity else {
        throw BackupError(
          .invalid,
          "disk '\(disk.stored.name)': device '\(disk.path)' has \(size) bytes, the disk has "
            + "\(disk.stored.capacity)")
      }
    }
    let isWritten = { (disk: RestorePlan.Disk) in plan.existing != nil || disk.isDevice }
    let replaced = plan.images.compactMap { disk in
      disk.replaced.flatMap { $0.isKept ? nil : $0.path }
    }
    let paths = plan.images.filter(isWritten).map(\.path) + replaced
    guard !paths.isEmpty else { return }
    let users = try hypervisor.imageUsers(of: paths, besides: plan.existing?.definition.uuid)
    for disk in plan.images {
      let old = disk.replaced.flatMap { $0.isKept ? nil : $0.path }
      for path in [disk.path, old].compactMap(\.self) {
        guard let user = users[path] else { continue }
        throw BackupError(
          .busy,
          "Requested operation is not valid: disk '\(disk.stored.name)': '\(path)' is used by "
            + user)
      }
    }
  }
}
