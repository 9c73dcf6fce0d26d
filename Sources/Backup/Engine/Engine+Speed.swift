// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Engine {
  /// Limits the copies that run for a domain, whoever started them.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - bandwidth: Bytes per second that the copies of an operation together may take; nil for no
  ///     limit.
  /// - Throws: ``BackupError`` when no copy runs.
  package func setSpeed(domainUUID: String, bandwidth: UInt64?) throws {
    try settle(domainUUID: domainUUID, endsLostSessions: false)
    var isSet = false
    for pending in try catalog().pending(concerning: domainUUID)
    where try journal.isHere(pending.partial) {
      if try operation(of: pending).setSpeed(bandwidth: bandwidth) { isSet = true }
    }
    guard isSet else {
      throw BackupError(
        .invalid, "Requested operation is not valid: no job is active on the domain")
    }
  }
}
