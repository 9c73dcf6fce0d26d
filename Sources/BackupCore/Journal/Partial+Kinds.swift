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
    case .delete: "the deletion of backup '\(pointName)' of domain '\(domainName)'"
    case .session: "NBD session '\(pointName)' of domain '\(domainName)'"
    }
  }

  /// Tells that disks of a domain that exists are replaced.
  package var isOverwrite: Bool {
    restore?.disks.contains { $0.replaced != nil } ?? false
  }
}
