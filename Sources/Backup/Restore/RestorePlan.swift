// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML

/// A restore as a value: which volumes are read, which files are made, what is defined.
package struct RestorePlan: Sendable, Equatable {
  /// A disk of the plan.
  package struct Disk: Sendable, Equatable {
    /// What the point says about it.
    package var stored: Manifest.Disk
    /// The volumes it is made of, its own first.
    package var chain: [Manifest.Disk]
    /// Names of what is made for it in QEMU.
    package var names: NodeNames
    /// Absolute path of the file.
    package var path: String
    /// Whether it is a block device.
    package var isDevice = false
    /// Its format.
    package var format: String
    /// Whether path and format are what the definition says anyway.
    package var isAsDefined: Bool
    /// What a domain that exists has there now; nil where there is none.
    package var replaced: Partial.ReplacedImage?

    /// Directory of the file.
    package var directory: String { Paths.split(path).directory }
    /// What it is, for people.
    package var title: String {
      stored.name == VolumeNames.nvramDisk ? "the NVRAM" : "disk '\(stored.name)'"
    }
    /// Name of the file in it.
    package var fileName: String { Paths.split(path).name }
  }

  /// The operation's UUID.
  package var operation: String
  /// The point.
  package var point: Point
  /// The disks, in the point's order.
  package var disks: [Disk]
  /// The NVRAM; nil where none is restored.
  package var nvram: Disk?

  /// Everything that is copied.
  package var copies: [Disk] { disks + [nvram].compactMap(\.self) }

  /// Decides where each disk goes.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - options: What the user asked for.
  ///   - catalog: The pool.
  ///   - operation: The operation's UUID.
  ///   - poolDirectory: Finds the directory of a pool that a definition names.
  /// - Throws: ``BackupError`` when a disk is unknown or has no place to go.
  package init(
    _ point: Point, options: RestoreOptions, catalog: Catalog, operation: String,
    poolDirectory: (String) throws -> String
  ) throws {
    self.operation = operation
    self.point = point
    var named: [String: RestoreOptions.DiskRequest] = [:]
    for request in options.disks {
      guard point.manifest.disks.contains(where: { $0.name == request.name }) else {
        throw BackupError(
          .notFound,
          "backup '\(point.manifest.name)' has no disk named '\(request.name)'")
      }
      guard named.updateValue(request, forKey: request.name) == nil else {
        throw BackupError(
          .invalid, "unsupported configuration: disk '\(request.name)' specified twice")
      }
    }
    let chosen = point.manifest.disks.filter { named.isEmpty || named[$0.name] != nil }
    let definition = try DomainDefinition(parsing: point.manifest.domainXML)
    disks = try chosen.enumerated().map { number, stored in
      let origin = definition.disks.first { $0.target == stored.name }
      let place = try RestorePlan.originalPath(of: origin, poolDirectory: poolDirectory)
      let request = named[stored.name] ?? .init(name: stored.name)
      let format = try RestorePlan.format(request.format ?? options.format, stored: stored)
      let path = try RestorePlan.path(
        of: stored.name, request: request, options: options, format: format, original: place,
        pool: origin.flatMap { $0.source.pool })
      return Disk(
        stored: stored, chain: try catalog.chain(of: point, disk: stored.name),
        names: NodeNames(operation: operation, disk: number), path: path,
        isDevice: request.isDevice, format: format,
        isAsDefined: format == stored.format
          && (request.isDevice ? origin?.source == .block(path) : path == place))
    }
    var paths: Set<String> = []
    for disk in disks where !paths.insert(disk.path).inserted {
      throw BackupError(.invalid, "two disks would be restored to '\(disk.path)'")
    }
  }

  /// Where a disk of a definition has its file; nil where it has none, or its pool is not there.
  static func originalPath(
    of disk: DomainDefinition.Disk?, poolDirectory: (String) throws -> String
  ) throws -> String? {
    switch disk?.source {
    case .file(let path): return path
    case .volume(let pool, let name):
      guard !name.utf8.contains(UInt8(ascii: "/")) else { return nil }
      do {
        return try poolDirectory(pool) + "/" + name
      } catch is BackupError {
        return nil
      }
    default: return nil
    }
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
