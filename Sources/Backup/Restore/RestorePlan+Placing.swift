// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore over a domain that exists chooses new places for the disks.
///
/// The new images come beside the old ones, under names that the domain's definition does not have:
/// which of them it has tells, at any moment, whether the one redefinition has happened.
extension RestorePlan {
  /// Gives the disks places beside what the domain has.
  ///
  /// - Throws: ``BackupError`` where a disk cannot be replaced.
  mutating func place(
    over domain: OverwrittenDomain, options: RestoreOptions, in places: any RestorePlaces
  ) throws {
    try domain.refuseInstants(of: disks.map(\.stored.name))
    let placed = options.placed
    // Else the recorded definition is the one that names the disks.
    let defined =
      try isSelection ? domain.definition : DomainDefinition(parsing: point.manifest.definition)
    var taken = domain.paths
    for disk in disks where placed.contains(disk.stored.name) {
      taken.insert(places.resolved(disk.path))
      guard disk.isDevice || !domain.paths.contains(places.resolved(disk.path)) else {
        throw BackupError(
          .exists,
          "disk '\(disk.stored.name)': file '\(disk.path)' is what the domain has now; name another"
        )
      }
    }
    for index in disks.indices {
      let disk = disks[index]
      let old = domain.definition.disks.first { $0.target == disk.stored.name }
      if isSelection { try refuse(old, target: disk.stored.name, of: domain) }
      let isDefined = defined.disks.contains { $0.target == disk.stored.name }
      disks[index].replaced = .init(
        path: isDefined ? try old.flatMap { try replaceableFile(of: $0, in: places) } : nil,
        isKept: options.keepsOld)
      guard !placed.contains(disk.stored.name) else { continue }
      let path = try freePath(for: disk, of: domain.name) { path in
        try taken.contains(path) || taken.contains(places.resolved(path)) || places.isTaken(path)
      }
      if path != disk.path {
        disks[index].path = path
        disks[index].isAsDefined = false
      }
      taken.insert(path)
    }
  }

  /// Refuses a disk that the definition, which stays, does not have as one.
  private func refuse(
    _ old: DomainDefinition.Disk?, target: String, of domain: OverwrittenDomain
  ) throws {
    guard let old else {
      throw BackupError(.notFound, "domain '\(domain.name)' has no disk '\(target)' now")
    }
    guard old.isImage else {
      throw BackupError(
        .invalid, "'\(target)' of domain '\(domain.name)' is no disk that can be written now")
    }
  }

  /// The file of a disk that may be deleted when the domain has another.
  private func replaceableFile(
    of disk: DomainDefinition.Disk, in places: any RestorePlaces
  ) throws -> String? {
    guard disk.isImage else { return nil }
    return try RestorePlan.originalPath(of: disk, in: places)
  }

  /// Where a disk of a definition has its file; nil where it has none, or its pool is not there.
  static func originalPath(
    of disk: DomainDefinition.Disk?, in places: any RestorePlaces
  ) throws -> String? {
    switch disk?.source {
    case .file(let path): return path
    case .volume(let pool, let name):
      guard !name.utf8.contains(UInt8(ascii: "/")) else { return nil }
      do {
        return try places.poolDirectory(name: pool) + "/" + name
      } catch is BackupError {
        return nil
      }
    default: return nil
    }
  }

  /// A path for a restored disk where nothing is: the recorded one, else one of the domain's name.
  private func freePath(
    for disk: Disk, of domain: String, isTaken: (String) throws -> Bool
  ) throws -> String {
    let stem = "\(VolumeNames.escape(domain))-\(disk.stored.name)"
    let suffix = disk.format == "raw" ? "img" : disk.format
    var path = disk.path
    var number = 1
    while try isTaken(path) {
      let name = number == 1 ? "\(stem).\(suffix)" : "\(stem)-\(number).\(suffix)"
      path = "\(disk.directory)/\(name)"
      number += 1
    }
    return path
  }
}

extension DomainDefinition.Disk {
  /// True for a disk that its guest writes; false for removable and read-only media.
  fileprivate var isImage: Bool { ["disk", "lun"].contains(device) && !isReadOnly }
}

extension Manifest {
  /// The persistent definition at the instant, where there was one, else the one it ran with.
  var definition: String { inactiveDomainXML ?? domainXML }
}
