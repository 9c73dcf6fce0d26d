// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Engine {
  /// Finds what answers the facade's questions about an operation that is under way.
  ///
  /// Nothing else in the facade tells one kind of operation from another.
  func operation(of pending: Catalog.Pending) -> any PendingOperation {
    switch pending.partial.operation {
    case .create(let manifest, let disks, _, _):
      PendingCreate(context: context, pending: pending, manifest: manifest, disks: disks)
    case .restore(let restore): PendingRestore(context: context, pending: pending, plan: restore)
    case .live(let live): PendingLiveRestore(context: context, pending: pending, live: live)
    case .delete: PendingDelete(context: context, pending: pending)
    case .session(let session): PendingSession(context: context, pending: pending, plan: session)
    case .verify(let verify): PendingVerify(context: context, pending: pending, plan: verify)
    }
  }
}
