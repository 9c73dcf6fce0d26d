// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A look at a point that is under way.
struct PendingVerify: PendingOperation {
  let context: Context
  let pending: Catalog.Pending
  /// The point that it looks at, and the volumes that it makes for that.
  let plan: Partial.Verify

  private var verify: Verify { Verify(context) }

  func settle(endsLost: Bool) throws -> Settlement { try verify.settle(pending) }

  /// Takes back what was made for it: its client sees that it is over.
  func abort(settled: Settlement?) throws -> Bool {
    try verify.undo(pending)
    return true
  }

  func giveUp() throws {
    try attempt("left in the pool: \(plan.volumes.joined(separator: ", "))") {
      try verify.undo(pending)
    }
    try forgetGivenUp()
  }

  func forgetGone() throws { try verify.undo(pending) }
}
