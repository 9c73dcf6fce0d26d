// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The pool and the host are asked about all that a restore is decided from.
extension Restore {
  /// Gathers what a restore is decided from.
  ///
  /// - Parameters:
  ///   - point: The point, as the pool has it now.
  ///   - options: What the user asked for.
  ///   - catalog: The pool.
  ///   - emulators: Emulators that a definition from a pool which others can write to may name.
  ///   - places: What is where on the host.
  /// - Returns: The situation.
  /// - Throws: ``BackupError`` where the domain is in no state to be restored over, or what libvirt
  ///   throws.
  func situation(
    of point: Point, _ options: RestoreOptions, in catalog: Catalog, emulators: Set<String>,
    places: any RestorePlaces
  ) throws -> RestoreSituation {
    RestoreSituation(
      point: point, catalog: catalog, poolName: repository.name, isTrusted: repository.isTrusted,
      operation: process.newUUID(), copyUUID: process.newUUID(),
      existing: try options.isOverwriting
        ? domainToOverwrite(uuid: point.manifest.domainUUID) : nil,
      emulators: emulators, places: places)
  }

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
    if let other = try journal.ownPending(of: uuid, in: try catalog()).first(where: {
      $0.uuid != operation
    }) {
      throw BackupError.occupied(by: other)
    }
    let definition = try DomainDefinition(parsing: text)
    return OverwrittenDomain(
      name: name, text: text, definition: definition,
      instants: try hypervisor.savedInstants(uuid: uuid).map(SavedInstant.init(parsing:)),
      paths: Set(try hypervisor.paths(of: definition).map(hypervisor.resolved)))
  }
}

/// The places of a host, each directory of which is looked at once.
final class HostPlaces: RestorePlaces {
  private let context: Context
  private var looked: [String: any Repository] = [:]

  init(_ context: Context) { self.context = context }

  /// The volumes of a directory, as they are now.
  func files(in directory: String) throws -> any Repository {
    if let known = looked[directory] { return known }
    let files: any Repository
    do {
      files = try context.hypervisor.repository(directory: directory)
      try files.look()
    } catch let error as BackupError {
      throw error
    } catch {
      try context.rethrowUnlessLocal(error)
      throw BackupError(
        .failed,
        "\(error); the disks are restored into '\(directory)', --target-pool names another place")
    }
    looked[directory] = files
    return files
  }

  func poolDirectory(name: String) throws -> String {
    try context.hypervisor.poolDirectory(name: name)
  }

  func isTaken(_ path: String) throws -> Bool {
    let (directory, name) = Paths.split(path)
    return try files(in: directory).contains(name) || context.hypervisor.isTaken(path)
  }

  func isThere(_ path: String) -> Bool { context.isThere(path) }

  func resolved(_ path: String) -> String { context.hypervisor.resolved(path) }

  func nvramPath(of text: String, _ definition: DomainDefinition) -> String? {
    context.hypervisor.nvramPath(of: text, definition)
  }

  func path(of tpm: DomainDefinition.TPM, uuid: String) -> String? {
    context.statePath(of: tpm, uuid: uuid)
  }

  func canRename(in directory: String) -> Bool { context.hypervisor.canRename(in: directory) }
}
