// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Cloned machines have domains of one UUID: in a pool that they share, the newest point of a domain
/// may be of another one's.
extension Catalog {
  /// Whether the points of a domain are of more than one host.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - here: The host that is asked, which the points of earlier versions count as; nil where it is
  ///     not known.
  /// - Returns: False also where none of them says of which.
  package func hasSeveralHosts(of domainUUID: String, here: HostIdentity?) -> Bool {
    let hosts = points(of: domainUUID).compactMap { $0.manifest.host ?? here }
    return hosts.dropFirst().contains { !$0.isHost(hosts[0]) }
  }

  /// The point that a restore takes where none is named: the newest of this host.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - domain: What the user called it.
  ///   - here: This host.
  ///   - isOverwriting: Whether it takes the place of what a domain of this host has.
  /// - Returns: The point; one of another host only where there are none but that host's, and nothing
  ///   here is replaced.
  /// - Throws: ``BackupError`` with code `notFound` where there is none, or `invalid` where one must be
  ///   named.
  package func newestToRestore(
    of domainUUID: String, named domain: String, here: HostIdentity, isOverwriting: Bool
  ) throws -> Point {
    let all = points(of: domainUUID)
    if let own = all.last(where: { $0.isOf(here) }) { return own }
    let newest = try point(nil, of: domainUUID, named: domain)
    guard !isOverwriting, !hasSeveralHosts(of: domainUUID, here: here) else {
      throw BackupError(
        .invalid,
        "no backup of the domain in this pool was made on this host; name the one to restore: the "
          + "newest is '\(newest.manifest.name)' of host '\(newest.hostTitle ?? "")'")
    }
    return newest
  }
}

extension Point {
  /// Whether a host made it; those of earlier versions count as everybody's own.
  package func isOf(_ here: HostIdentity) -> Bool { manifest.host?.isHost(here) ?? true }

  /// What people call the host that made it; nil where that is not recorded.
  package var hostTitle: String? { manifest.host?.title }
}
