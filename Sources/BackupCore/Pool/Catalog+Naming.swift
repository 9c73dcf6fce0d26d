// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

/// Domains and points by what users call them.
extension Catalog {
  /// Tells of other domains of a name, by their UUIDs.
  package static func others(_ uuids: [String]) -> String {
    uuids.count == 1
      ? "another domain of that name (\(uuids[0]))"
      : "other domains of that name (\(uuids.joined(separator: ", ")))"
  }

  /// Tells that a domain has no point in the pool, while others of its name have: such a domain was
  /// deleted and installed anew, renamed, or is another host's.
  ///
  /// - Parameters:
  ///   - domain: The name.
  ///   - uuid: UUID of the domain.
  /// - Returns: The line; nil where it has points, or nobody of its name has.
  package func absence(of domain: String, uuid: String) -> String? {
    guard points(of: uuid).isEmpty else { return nil }
    let named = points.filter { $0.manifest.domainName == domain }
    let others = Set(named.map(\.manifest.domainUUID)).sorted()
    guard !others.isEmpty else { return nil }
    return "domain '\(domain)' has no backup in pool '\(poolName)'; it has those of "
      + "\(Catalog.others(others)), to be named by UUID"
  }

  /// The domain a user means by a recorded name or UUID.
  ///
  /// - Throws: ``BackupError`` with code `notFound`, or `invalid` where a name fits several domains.
  package func recordedDomain(_ text: String) throws -> String {
    let lowered = text.lowercased()
    if points.contains(where: { $0.manifest.domainUUID == lowered }) { return lowered }
    // The newest name of a domain is its name: it may have been renamed since.
    var names: [String: String] = [:]
    for point in points { names[point.manifest.domainUUID] = point.manifest.domainName }
    var fitting = names.filter { $0.value == text }.keys.sorted()
    if fitting.isEmpty {
      fitting = Set(points.filter { $0.manifest.domainName == text }.map(\.manifest.domainUUID))
        .sorted()
    }
    if fitting.isEmpty {
      let partials = pending.map(\.partial)
      fitting = Set(
        partials.filter { $0.domainName == text || $0.domainUUID == lowered }.map(\.domainUUID)
      ).sorted()
    }
    guard let first = fitting.first else {
      throw BackupError(.notFound, "no domain and no backup of a domain with name '\(text)'")
    }
    guard fitting.count == 1 else {
      throw BackupError(
        .invalid,
        "backups of several domains are named '\(text)', give the UUID: "
          + fitting.joined(separator: ", "))
    }
    return first
  }

  /// A point of a domain, by name or UUID; the newest for nil.
  ///
  /// - Parameters:
  ///   - text: The name or the UUID of the point.
  ///   - domainUUID: The domain.
  ///   - domain: What the user called it; nil where nobody named it.
  /// - Returns: The point.
  /// - Throws: ``BackupError`` with code `notFound`.
  package func point(
    _ text: String?, of domainUUID: String, named domain: String? = nil
  ) throws -> Point {
    let own = points(of: domainUUID)
    if own.isEmpty, let absence = domain.flatMap({ absence(of: $0, uuid: domainUUID) }) {
      throw BackupError(.notFound, absence)
    }
    guard let text else {
      guard let newest = own.last else {
        throw BackupError(
          .notFound,
          "\(domain.map { "domain '\($0)'" } ?? "the domain") has no backup in pool '\(poolName)'; "
            + "backup-list --all-pools shows those of all pools")
      }
      return newest
    }
    if let named = own.first(where: { $0.manifest.name == text })
      ?? own.first(where: { $0.manifest.uuid == text.lowercased() })
    {
      return named
    }
    throw BackupError(
      .notFound, "Domain backup not found: no domain backup with matching name '\(text)'")
  }
}
