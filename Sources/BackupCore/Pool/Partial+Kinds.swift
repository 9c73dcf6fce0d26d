// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The core knows so much of each kind of operation, beside the points that it needs.
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

  /// True for an operation on the domain's own disks, of which there may be one at a time.
  package var occupiesDomain: Bool {
    switch operation {
    case .create, .live: true
    case .restore: isOverwrite
    case .session(let session): session.stored == nil
    case .delete, .verify: false
    }
  }

  /// The disks it copies, in order.
  package var diskNames: [String] {
    switch operation {
    case .create(_, let disks, _, _): disks.map(\.name)
    case .restore(let restore): restore.disks.map(\.name)
    case .live(let live): live.disks.map(\.name)
    case .delete(let delete): delete.merges.map(\.disk)
    case .session(let session): session.disks.map(\.disk.name)
    case .verify: []
    }
  }

  /// The disks for which the operation has something in the QEMU of a running domain.
  package var liveDisks: [CreateDisk] {
    switch operation {
    case .create(_, let disks, _, _): disks
    case .session(let session): session.disks.map(\.disk)
    case .restore, .live, .delete, .verify: []
    }
  }

  /// True for a domain that is suspended, and for file systems that are frozen, around the start.
  package var holdsGuest: (isSuspended: Bool, isFrozen: Bool) {
    switch operation {
    case .create(_, _, let isSuspended, let isFrozen): (isSuspended, isFrozen)
    case .session(let session): (session.isSuspended, session.isFrozen)
    case .restore, .live, .delete, .verify: (false, false)
    }
  }

  /// The files outside of the pool that it copies to.
  package var writtenFiles: [String] {
    switch operation {
    case .create(_, let disks, _, _):
      disks.compactMap(\.target).filter { $0.type == .file }.map(\.path)
    case .restore(let restore): restore.disks.filter { !$0.isDevice }.map(\.temporaryPath)
    case .delete, .live, .session, .verify: []
    }
  }

  /// The file or device outside of the pool that a disk is written to; nil for a volume of the pool.
  package func target(of disk: String) -> String? {
    switch operation {
    case .create(_, let disks, _, _): disks.first { $0.name == disk }?.target?.path
    case .restore(let restore): restore.disks.first { $0.name == disk }?.temporaryPath
    case .live(let live):
      disk == VolumeNames.nvramDisk ? live.nvram : live.disks.first { $0.name == disk }?.path
    case .delete, .session, .verify: nil
    }
  }
}

/// Some of what concerns one kind alone.
extension Partial {
  /// True for an operation that makes a point.
  package var isCreate: Bool {
    if case .create = operation { return true }
    return false
  }

  /// True for a delete.
  package var isDelete: Bool { delete != nil }

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
