// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Autostart is in no definition: a restore sets it by a call of its own (`virDomainSetAutostart`).
extension Restore {
  /// Has a domain that was gone start with its host again where it did.
  ///
  /// A copy beside the original does not. Repeating it does no harm.
  func restoreAutostart(_ pending: Catalog.Pending, uuid: String) throws {
    guard uuid == pending.partial.domainUUID,
      let restore = pending.partial.restore,
      try catalog().point(uuid: restore.point)?.manifest.isAutostart == true
    else { return }
    do {
      try hypervisor.setAutostart(uuid: uuid, true)
    } catch {
      // Without libvirt the next command does it.
      _ = try hypervisor.domainName(uuid: uuid)
      observer.notice("the domain does not start with its host: \(error)")
    }
  }
}
