// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A domain that exists and is to get restored disks.
struct OverwrittenDomain {
  /// Its name.
  var name: String
  /// Its persistent definition, as it is before.
  var text: String
  /// The same, read.
  var definition: DomainDefinition
}

/// What a restore over a domain that exists decides before it writes anything.
///
/// The new images come beside the old ones, under names that the domain's definition does not have:
/// which of them it has tells, at any moment, whether the one redefinition has happened.
extension Restore {
  /// The domain whose disks a restore is to replace.
  ///
  /// - Parameters:
  ///   - uuid: The domain.
  ///   - operation: UUID of the restore, where it is under way.
  /// - Returns: The domain; nil where there is none of that UUID.
  /// - Throws: ``BackupError`` where it is in no state for that.
  func domainToOverwrite(
    uuid: String, operation: String? = nil
  ) throws -> OverwrittenDomain? {
    guard let name = try hypervisor.domainName(uuid: uuid) else { return nil }
    guard try !hypervisor.isActive(uuid: uuid),
      let text = try hypervisor.inactiveDefinition(uuid: uuid)
    else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: domain '\(name)' is running; its disks can be replaced "
          + "only while it is shut off")
    }
    if try hypervisor.hasManagedSaveImage(uuid: uuid) {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: domain '\(name)' has a managed save image, whose memory "
          + "is not of the restored disks; managedsave-remove removes it")
    }
    try refuseSavedMemory(of: name)
    if let other = try context.ownPending(of: uuid, in: try catalog()).first(where: {
      $0.uuid != operation
    }) {
      throw BackupError.occupied(by: other)
    }
    return OverwrittenDomain(
      name: name, text: text, definition: try DomainDefinition(parsing: text))
  }

  /// Gives the disks of a plan places beside what the domain has.
  ///
  /// - Throws: ``BackupError`` where a disk cannot be replaced.
  func place(
    _ plan: inout RestorePlan, over domain: OverwrittenDomain, options: RestoreOptions
  ) throws {
    try refuseSavedInstants(of: domain, with: plan.disks.map(\.stored.name))
    let named = Set(options.disks.filter { $0.file != nil }.map(\.name))
    // Else the recorded definition is the one that names the disks.
    let defined =
      try options.disks.isEmpty
      ? DomainDefinition(
        parsing: plan.point.manifest.inactiveDomainXML ?? plan.point.manifest.domainXML)
      : domain.definition
    var taken = Set(try context.paths(of: domain.definition).map(hypervisor.resolved))
    let inUse = taken
    for disk in plan.disks where named.contains(disk.stored.name) {
      taken.insert(hypervisor.resolved(disk.path))
      guard disk.isDevice || !inUse.contains(hypervisor.resolved(disk.path)) else {
        throw BackupError(
          .exists,
          "disk '\(disk.stored.name)': file '\(disk.path)' is what the domain has now; name another"
        )
      }
    }
    for index in plan.disks.indices {
      let disk = plan.disks[index]
      let old = domain.definition.disks.first { $0.target == disk.stored.name }
      try refuse(old, target: disk.stored.name, domain, options: options)
      let isDefined = defined.disks.contains { $0.target == disk.stored.name }
      plan.disks[index].replaced = .init(
        path: isDefined ? try old.flatMap { try replaceableFile(of: $0) } : nil,
        isKept: options.keepsOld)
      guard !named.contains(disk.stored.name) else { continue }
      let path = try freePath(for: disk, of: domain.name) { taken.contains($0) }
      if path != disk.path {
        plan.disks[index].path = path
        plan.disks[index].isAsDefined = false
      }
      taken.insert(path)
    }
  }

  /// Refuses snapshots and checkpoints that have disks which are to be replaced.
  ///
  /// - Throws: ``BackupError`` that names one.
  func refuseSavedInstants(of domain: OverwrittenDomain, with targets: [String]) throws {
    let instants = try hypervisor.savedInstants(uuid: domain.definition.uuid)
      .map(SavedInstant.init(parsing:))
    for target in targets {
      guard let instant = instants.first(where: { $0.has(target) }) else { continue }
      throw BackupError(
        .invalid,
        "Requested operation is not valid: \(instant.kind.rawValue) '\(instant.name)' of domain "
          + "'\(domain.name)' has disk '\(target)', which would not go with it any more; "
          + "\(instant.kind.rawValue)-delete deletes it")
    }
  }

  private func refuse(
    _ old: DomainDefinition.Disk?, target: String, _ domain: OverwrittenDomain,
    options: RestoreOptions
  ) throws {
    guard !options.disks.isEmpty else { return }
    // The definition stays, so it must have such a disk.
    guard let old else {
      throw BackupError(.notFound, "domain '\(domain.name)' has no disk '\(target)' now")
    }
    guard old.isImage else {
      throw BackupError(
        .invalid, "'\(target)' of domain '\(domain.name)' is no disk that can be written now")
    }
  }

  /// The file of a disk that may be deleted when the domain has another.
  private func replaceableFile(of disk: DomainDefinition.Disk) throws -> String? {
    guard disk.isImage else { return nil }
    return try RestorePlan.originalPath(of: disk, poolDirectory: hypervisor.poolDirectory(name:))
  }

  /// A path for a restored disk where nothing is: the recorded one, else one of the domain's name.
  private func freePath(
    for disk: RestorePlan.Disk, of domain: String, isTaken: (String) -> Bool
  ) throws -> String {
    let files = try hypervisor.repository(directory: disk.directory)
    try files.look()
    let stem = "\(VolumeNames.escape(domain))-\(disk.stored.name)"
    let suffix = disk.format == "raw" ? "img" : disk.format
    var name = disk.fileName
    var number = 1
    while true {
      let path = "\(disk.directory)/\(name)"
      if !isTaken(path), !isTaken(hypervisor.resolved(path)), !hypervisor.isTaken(path),
        try !files.contains(name)
      {
        return path
      }
      name = number == 1 ? "\(stem).\(suffix)" : "\(stem)-\(number).\(suffix)"
      number += 1
    }
  }

  /// The definition that the domain will have.
  func definition(
    for plan: RestorePlan, over domain: OverwrittenDomain, options: RestoreOptions
  ) throws -> String {
    if !options.disks.isEmpty {
      return try RestoredDefinition(disks: plan.disks.map(\.restored))
        .replaceSources(in: domain.text)
    }
    guard domain.name == plan.point.manifest.domainName else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: the domain is named '\(domain.name)' now, and the backup "
          + "is of '\(plan.point.manifest.domainName)'; rename it with domrename, or name the disks "
          + "with --diskspec")
    }
    return try definition(for: plan, options: options)
  }

  /// Refuses images that something else uses.
  ///
  /// - Throws: ``BackupError`` that names the image and what uses it.
  func refuseUsedImages(of plan: RestorePlan, over domain: OverwrittenDomain?) throws {
    for disk in plan.disks where disk.isDevice {
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
    let isWritten = { (disk: RestorePlan.Disk) in domain != nil || disk.isDevice }
    let replaced = plan.disks.compactMap { disk in
      disk.replaced.flatMap { $0.isKept ? nil : $0.path }
    }
    let paths = plan.disks.filter(isWritten).map(\.path) + replaced
    guard !paths.isEmpty else { return }
    context.lookForUsers(of: paths)
    let users = try context.imageUsers(of: paths, besides: domain?.definition.uuid)
    for disk in plan.disks {
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

extension DomainDefinition.Disk {
  /// Whether it is a disk that its guest writes, and no removable medium.
  fileprivate var isImage: Bool { ["disk", "lun"].contains(device) && !isReadOnly }
}

extension RestorePlan.Disk {
  /// The disk as a definition has it.
  var restored: RestoredDefinition.Disk {
    .init(
      target: stored.name, source: isDevice ? .block(path) : .file(path), format: format)
  }

  /// What is to be known of a block device before it is written.
  var device: TargetImage? {
    guard isDevice else { return nil }
    return TargetImage(
      isDevice: true, capacity: stored.capacity, job: format == "qcow2" ? names.formatJob : nil)
  }
}
