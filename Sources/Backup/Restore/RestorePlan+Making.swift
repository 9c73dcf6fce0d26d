// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension RestorePlan {
  /// Decides what a restore will be.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - situation: The point, the pool and the host.
  /// - Throws: ``BackupError`` when a disk is unknown or has no place to go, or the domain cannot get
  ///   what is asked for; what libvirt throws where a directory cannot be looked at.
  init(_ options: RestoreOptions, in situation: RestoreSituation) throws {
    let places = situation.places
    if case .copy(let name) = options.destination { try RestorePlan.check(name: name) }
    operation = situation.operation
    point = situation.point
    existing = situation.existing
    isSelection = !options.disks.isEmpty
    start = options.start
    disks = try RestorePlan.disks(options, in: situation)
    if let existing {
      try place(over: existing, options: options, in: places)
      definition = try definition(over: existing)
    } else if options.isDefined {
      definition = try definition(named: options.newName, uuid: situation.copyUUID)
    }
    if let text = definition {
      definition = try placeNVRAM(in: text, options: options, places: places)
      tpm = try placeTPM(of: text, options: options, places: places)
    }
    for index in disks.indices
    where !disks[index].isDevice && places.canRename(in: disks[index].directory) {
      disks[index].suffix = OperationID(operation).temporarySuffix
    }
  }

  /// Refuses a name that libvirt gives to no domain.
  ///
  /// - Throws: ``BackupError`` with code `invalid`.
  private static func check(name: String) throws {
    guard !Syntax.isDomainName(name) else { return }
    throw BackupError(
      .invalid,
      "invalid domain name '\(name)': --newname takes at most 247 bytes without '/' and line ends")
  }

  // MARK: - The disks, and where each goes

  private static func disks(
    _ options: RestoreOptions, in situation: RestoreSituation
  ) throws -> [Disk] {
    let manifest = situation.point.manifest
    var named: [String: RestoreOptions.DiskRequest] = [:]
    for request in options.disks {
      guard manifest.disks.contains(where: { $0.name == request.name }) else {
        throw BackupError(
          .notFound,
          "backup '\(manifest.name)' has no disk named '\(request.name)'")
      }
      guard named.updateValue(request, forKey: request.name) == nil else {
        throw BackupError(
          .invalid, "unsupported configuration: disk '\(request.name)' specified twice")
      }
    }
    let chosen = manifest.disks.filter { named.isEmpty || named[$0.name] != nil }
    let definition = try DomainDefinition(parsing: manifest.domainXML)
    let disks = try chosen.enumerated().map { number, stored in
      let origin = definition.disks.first { $0.target == stored.name }
      let place = try RestorePlan.originalPath(of: origin, in: situation.places)
      let request = named[stored.name] ?? .init(name: stored.name)
      let format = try RestorePlan.format(request.format ?? options.format, stored: stored)
      let path = try RestorePlan.path(
        of: stored.name, request: request, options: options, format: format, original: place,
        pool: origin.flatMap { $0.source.pool })
      return Disk(
        stored: stored, chain: try situation.catalog.chain(of: situation.point, disk: stored.name),
        names: NodeNames(operation: situation.operation, disk: number), path: path,
        isDevice: request.isDevice, format: format,
        isAsDefined: format == stored.format
          && (request.isDevice ? origin?.source == .block(path) : path == place))
    }
    var paths: Set<String> = []
    for disk in disks where !paths.insert(disk.path).inserted {
      throw BackupError(.invalid, "two disks would be restored to '\(disk.path)'")
    }
    return disks
  }

  private static func format(_ wanted: String?, stored: Manifest.Disk) throws -> String {
    guard let wanted else {
      // Only these two are written by everything; others become what holds all they hold.
      return stored.format == "raw" ? "raw" : "qcow2"
    }
    guard wanted == "qcow2" || wanted == "raw" else {
      throw BackupError(.invalid, "format '\(wanted)' is not one of qcow2, raw")
    }
    return wanted
  }

  private static func path(
    of disk: String, request: RestoreOptions.DiskRequest, options: RestoreOptions, format: String,
    original: String?, pool: String?
  ) throws -> String {
    if let file = request.file {
      guard Syntax.isAbsolutePath(file), file.utf8.last != UInt8(ascii: "/") else {
        throw BackupError(.invalid, "the path '\(file)' is not absolute")
      }
      return file
    }
    if let newName = options.newName {
      guard let directory = options.targetDirectory ?? original.map({ Paths.split($0).directory })
      else {
        throw noPlace(for: disk, pool: pool)
      }
      let name = VolumeNames.escape(newName)
      return "\(directory)/\(name)-\(disk).\(format == "raw" ? "img" : format)"
    }
    guard let original else {
      guard let directory = options.targetDirectory else { throw noPlace(for: disk, pool: pool) }
      return "\(directory)/\(disk).\(format == "raw" ? "img" : format)"
    }
    return options.targetDirectory.map { "\($0)/\(Paths.split(original).name)" } ?? original
  }

  private static func noPlace(for disk: String, pool: String?) -> BackupError {
    let reason =
      pool.map { "was in storage pool '\($0)', which is not there or not active" }
      ?? "was not a file"
    return BackupError(
      .invalid,
      "disk '\(disk)' \(reason); say where it goes with --diskspec \(disk),file=PATH, with "
        + "stype=block where that is a block device, or --target-pool")
  }
}

extension DomainDefinition.Source {
  /// The pool that a volume is in; nil for what is no volume.
  fileprivate var pool: String? {
    if case .volume(let pool, _) = self { return pool }
    return nil
  }
}
