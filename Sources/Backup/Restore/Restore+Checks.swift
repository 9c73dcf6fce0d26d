// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// What a restore decides and refuses before anything is written.
extension Restore {
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
      in: definition, restoring: Set(plan.disks.map(\.stored.name)),
      restoredNVRAM: plan.nvram.flatMap { $0.isAsDefined ? nil : $0.path }, emulators: emulators)
    if !offenders.isEmpty {
      throw BackupError(
        .invalid,
        "others can write to pool '\(repository.name)', and the definition in the backup has what "
          + "could harm the host: \(offenders.joined(separator: "; ")). --no-define restores the "
          + "disks alone")
    }
  }

  /// Refuses a name that libvirt gives to no domain.
  ///
  /// - Throws: ``BackupError`` with code `invalid`.
  func checkName(_ name: String?) throws {
    guard let name, !Syntax.isDomainName(name) else { return }
    throw BackupError(
      .invalid,
      "invalid domain name '\(name)': --newname takes at most 247 bytes without '/' and line ends")
  }

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
        "operation failed: domain '\(name)' exists; restore a copy beside it with --newname")
    }
    try refuseTakenName(of: parsed)
    try refuseSavedMemory(of: parsed.name)
  }

  /// Refuses a name of which libvirt has saved memory for the next start.
  ///
  /// It finds that by the name alone, also where the domain is gone and another is defined; and it
  /// says that a domain has some only of those that it saved, or found when it started itself.
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

  /// The volumes of each disk's directory, after a look that the names are free.
  func targetRepositories(
    for plan: RestorePlan
  ) throws -> [String: any Repository] {
    var repositories: [String: any Repository] = [:]
    for disk in plan.copies where !disk.isDevice {
      let repository =
        try repositories[disk.directory] ?? hypervisor.repository(directory: disk.directory)
      if repositories.updateValue(repository, forKey: disk.directory) == nil {
        try repository.look()
      }
      if try repository.contains(disk.fileName) || hypervisor.isTaken(disk.path) {
        throw BackupError(.exists, "\(disk.title): file '\(disk.path)' exists")
      }
    }
    return repositories
  }
}
