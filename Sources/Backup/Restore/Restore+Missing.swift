// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// What a restore gives a domain beside its disks and its definition.
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

  /// Tells what the domain had and will not have again, a line each.
  func tellWhatIsMissing(
    _ plan: RestorePlan, tpm: Partial.RestoredTPM?, definition: String?, options: RestoreOptions
  ) {
    guard options.isDefined, options.disks.isEmpty, let definition,
      let parsed = try? DomainDefinition(parsing: definition)
    else { return }
    let restored = Set(plan.disks.map(\.stored.name))
    for disk in parsed.disks
    where !restored.contains(disk.target) && disk.device == "disk" && !disk.isReadOnly {
      observer.notice("disk '\(disk.target)' is not in the backup: it is left as it is")
    }
    let manifest = plan.point.manifest
    for (state, isNeeded, isSaved, isRestored) in [
      ("the NVRAM", parsed.nvram != nil, manifest.nvram != nil, plan.nvram != nil),
      ("the state of the TPM", parsed.tpm != nil, manifest.tpm != nil, tpm != nil),
    ] where isNeeded && !isRestored {
      observer.notice(
        isSaved
          ? "\(state) is not restored: libvirt does not say where it belongs"
          : "\(state) is not in the backup: it is left as it is")
    }
  }
}
