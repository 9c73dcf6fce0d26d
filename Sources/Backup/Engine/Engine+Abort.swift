// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Engine {
  /// Cancels what runs on a domain and undoes it.
  ///
  /// Every operation can be ended: of one that cannot be undone as a whole the rest is told and left.
  ///
  /// - Throws: ``BackupError`` when nothing runs that could be cancelled; with code `busy` where a
  ///   client is at it whose work cannot be taken from it.
  package func abort(domainUUID: String) throws {
    func pending() throws -> [Catalog.Pending] {
      try catalog().pending(concerning: domainUUID).filter { try journal.isHere($0.partial) }
    }
    for helper in try pending().compactMap(\.partial.helper) {
      context.hypervisor.note(helper: helper)
    }
    var isAborted = false
    var busy: (any Error)?
    /// Ends one; what keeps it from being ended does not keep others.
    func end(_ item: Catalog.Pending, _ body: () throws -> Bool) throws {
      do {
        if try body() { isAborted = true }
      } catch let error as BackupError where error.code == .busy {
        busy = error
      } catch {
        try context.rethrowUnlessLocal(error)
        try operation(of: item).giveUp(because: error)
        isAborted = true
      }
    }
    // One that has copied all is not ended first: that would replace what the domain has.
    for item in try pending() { try end(item) { try operation(of: item).abortUnsettled() } }
    if let busy { throw busy }
    let settled = try settle(domainUUID: domainUUID)
    if settled.values.contains(.undone) { isAborted = true }
    for item in try pending() {
      try end(item) { try operation(of: item).abort(settled: settled[item.partial.uuid]) }
    }
    if let busy { throw busy }
    guard isAborted else {
      let others = try catalog().pending(concerning: domainUUID).map(\.partial)
      if let elsewhere = try others.first(where: { try !journal.isHere($0) }) {
        throw BackupError(
          .invalid,
          "Requested operation is not valid: \(elsewhere.title) runs on host "
            + "'\(elsewhere.host.title)', where backup-jobabort ends it; where that host is gone for "
            + "good, --host-is-gone forgets it")
      }
      throw BackupError(
        .invalid, "Requested operation is not valid: no job is active on the domain")
    }
  }
}
