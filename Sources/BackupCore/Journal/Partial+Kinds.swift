// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Partial {
  /// The operation, for people.
  package var title: String {
    switch operation {
    case .create: "backup '\(pointName)' of domain '\(domainName)'"
    case .restore, .live: "the restore of domain '\(domainName)' from backup '\(pointName)'"
    case .delete(let delete):
      "the deletion of \(delete.names ?? "backup '\(pointName)'") of domain '\(domainName)'"
    case .session: "NBD session '\(pointName)' of domain '\(domainName)'"
    case .verify: "the verification of backup '\(pointName)' of domain '\(domainName)'"
    }
  }

  /// Tells that disks of a domain that exists are replaced.
  package var isOverwrite: Bool {
    restore?.disks.contains { $0.replaced != nil } ?? false
  }
}

extension Partial.Delete {
  /// The points of which something goes, for people; nil where that is one.
  fileprivate var names: String? {
    guard points.count > 1 else { return nil }
    let names = points.compactMap { point in point.name.map { "'\($0)'" } }
    return names.count == points.count ? "backups \(names.joined(separator: ", "))" : nil
  }
}

extension Partial.Operation {
  /// The operation's name, for people and programs.
  package var name: String {
    switch self {
    case .create: "create"
    case .restore: "restore"
    case .live: "live"
    case .delete: "delete"
    case .session: "nbd"
    case .verify: "verify"
    }
  }
}
