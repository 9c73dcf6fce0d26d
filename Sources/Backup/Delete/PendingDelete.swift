// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A delete that is under way.
///
/// Without its partial nobody could tell any more on what the images stand. So it is never given up,
/// and never forgotten with its host: what moved is written down as it is, and every point stays.
struct PendingDelete: CopyingOperation {
  let context: Context
  let pending: Catalog.Pending

  private var delete: Delete { Delete(context) }

  func settle(endsLost: Bool) throws -> Settlement { try delete.settleDelete(pending) }

  func abortCopies(in guest: any Guest) throws -> Bool {
    try delete.abortDelete(pending, in: guest)
    return true
  }

  func undoLeft() throws -> Bool {
    try delete.undoMerge(pending)
    return true
  }

  func giveUp() throws { try delete.undoMerge(pending) }

  func forgetGone() throws { try delete.undoMerge(pending) }
}
