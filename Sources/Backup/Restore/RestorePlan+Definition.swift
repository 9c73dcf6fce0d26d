// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A plan has the domain's definition, and places for its NVRAM and TPM state, which are on no
/// disk.
extension RestorePlan {
  /// The recorded definition with the restored disks.
  ///
  /// - Parameters:
  ///   - copy: Name of the copy that is defined; nil for the domain itself.
  ///   - uuid: The copy's UUID.
  /// - Returns: The definition, for `virDomainDefineXML`.
  /// - Throws: `DomainXMLError` where the definition has not the disks.
  func definition(named copy: String?, uuid: String) throws -> String {
    let recorded = point.manifest.definition
    let known = Set(try DomainDefinition(parsing: recorded).disks.map(\.target))
    // A disk that was plugged in for the moment only is restored, but not defined.
    let moved = images.filter { !$0.isAsDefined && known.contains($0.stored.name) }
    return try RestoredDefinition(
      disks: moved.map(\.restored),
      removedDisks: copy == nil ? [] : try notCopied(of: recorded),
      copy: copy.map { .init(name: $0, uuid: uuid) }
    ).apply(to: recorded)
  }

  /// Disks that a copy must not have: two domains would write one image.
  private func notCopied(of definition: String) throws -> Set<String> {
    let restored = Set(images.map(\.stored.name))
    return Set(
      try DomainDefinition(parsing: definition).disks.filter {
        !restored.contains($0.target) && !$0.isReadOnly && $0.device == "disk"
      }.map(\.target))
  }

  /// The definition that a domain which exists will have.
  ///
  /// - Throws: ``BackupError`` where it has another name than the recorded one.
  func definition(over domain: OverwrittenDomain) throws -> String {
    if isSelection {
      return try RestoredDefinition(disks: images.map(\.restored)).replaceSources(in: domain.text)
    }
    guard domain.name == point.manifest.domainName else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: the domain is named '\(domain.name)' now, and the backup "
          + "is of '\(point.manifest.domainName)'; rename it with domrename, or name the disks "
          + "with --diskspec")
    }
    return try definition(named: nil, uuid: "")
  }

  // MARK: - What is on no disk

  /// Adds the NVRAM to what is copied.
  ///
  /// - Parameters:
  ///   - text: What will be defined.
  ///   - options: What the user asked for.
  ///   - places: What is where on the host.
  /// - Returns: The definition with the place of the NVRAM, where libvirt would look elsewhere.
  /// - Throws: ``BackupError`` or what libvirt throws.
  mutating func placeNVRAM(
    in text: String, options: RestoreOptions, places: any RestorePlaces
  ) throws -> String {
    let definition = try DomainDefinition(parsing: text)
    guard !isSelection, let state = point.manifest.nvram,
      let nvram = definition.nvram, nvram.isFile,
      let expected = places.nvramPath(of: text, definition)
    else { return text }
    var path = expected
    if let directory = options.targetDirectory {
      path = "\(directory)/\(VolumeNames.escape(definition.name))_VARS.fd"
    }
    var replaced: Partial.ReplacedImage?
    if let existing {
      let old = places.nvramPath(of: existing.text, existing.definition)
      path = try freePath(ofNVRAM: path) { path in try path == old || places.isTaken(path) }
      replaced = .init(
        path: old.flatMap { places.isThere($0) ? $0 : nil }, isKept: options.keepsOld)
    }
    let stored = Manifest.Disk(
      name: VolumeNames.nvramDisk, mode: .full, parent: nil, capacity: state.capacity,
      format: "raw", volume: state.volume)
    disks.append(
      Disk(
        stored: stored, chain: [stored],
        names: NodeNames(operation: operation, disk: disks.count), path: path,
        format: nvram.format == "qcow2" ? "qcow2" : "raw", isAsDefined: path == expected,
        replaced: replaced))
    return path == expected ? text : try RestoredDefinition.placingNVRAM(at: path, in: text)
  }

  /// A path like another where nothing is.
  private func freePath(
    ofNVRAM wanted: String, isTaken: (String) throws -> Bool
  ) throws -> String {
    let (directory, name) = Paths.split(wanted)
    let stem = name.hasSuffix(".fd") ? String(name.dropLast(3)) : name
    var path = wanted
    var number = 2
    while try isTaken(path) {
      path = "\(directory)/\(stem)-\(number).fd"
      number += 1
    }
    return path
  }

  /// Finds the place for the state of the point's TPM; nil where none is restored.
  ///
  /// - Throws: ``BackupError`` with code `exists` where a domain that is gone left one.
  func placeTPM(
    of text: String, options: RestoreOptions, places: any RestorePlaces
  ) throws -> Partial.RestoredTPM? {
    let definition = try DomainDefinition(parsing: text)
    guard !isSelection, let state = point.manifest.tpm, let tpm = definition.tpm,
      let path = places.path(of: tpm, uuid: definition.uuid)
    else { return nil }
    if existing == nil, places.isThere(path) {
      throw BackupError(.exists, "the state of the TPM '\(path)' exists")
    }
    return .init(volume: state.volume.name, path: path, keepsOld: options.keepsOld)
  }

  // MARK: - Trust

  /// Refuses what a pool that others can write to must not decide.
  ///
  /// - Throws: ``BackupError`` that says what.
  func refuseUntrusted(_ options: RestoreOptions, in situation: RestoreSituation) throws {
    guard !situation.isTrusted else { return }
    let pool = situation.poolName
    if options.targetDirectory == nil,
      let disk = images.first(where: { !options.placed.contains($0.stored.name) })
    {
      throw BackupError(
        .invalid,
        "others can write to pool '\(pool)': its backups are restored only into "
          + "--target-pool or to named files (disk '\(disk.stored.name)')")
    }
    // The recorded definition does not matter where the domain keeps its own.
    guard let definition, existing == nil || !isSelection else { return }
    let offenders = try DomainDefinition.offenders(
      in: definition, restoring: Set(images.map(\.stored.name)),
      restoredNVRAM: nvram.flatMap { $0.isAsDefined ? nil : $0.path },
      emulators: situation.emulators)
    if !offenders.isEmpty {
      throw BackupError(
        .invalid,
        "others can write to pool '\(pool)', and the definition in the backup has what "
          + "could harm the host: \(offenders.joined(separator: "; ")). --no-define restores the "
          + "disks alone")
    }
  }
}
