// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// What becomes of the operations of a host that is gone for good.
extension Engine {
  /// Forgets what other hosts have under way on a domain, and deletes what of it is in the pool and
  /// belongs to no backup.
  ///
  /// No domain of this host is asked or touched: the one of that UUID here may be a clone.
  ///
  /// - Returns: What was forgotten, a line each.
  /// - Throws: ``BackupError`` with code `notFound` where no other host has anything under way.
  package func forgetGoneHosts(domainUUID: String) throws -> [String] {
    let gone = try catalog().pending(concerning: domainUUID).filter {
      try !journal.isHere($0.partial)
    }
    guard !gone.isEmpty else {
      throw BackupError(
        .notFound,
        "Requested operation is not valid: no operation of another host is under way on the domain")
    }
    return try gone.compactMap { pending in
      let title = "\(pending.partial.title) on host '\(pending.partial.host.title)'"
      do {
        try operation(of: pending).forgetGone()
        return "\(title) forgotten"
      } catch {
        try context.rethrowUnlessLocal(error)
        context.observer.notice("\(title) cannot be forgotten: \(error)")
        return nil
      }
    }
  }
}
