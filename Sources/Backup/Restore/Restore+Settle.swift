// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Any client finishes or undoes the restores that it finds and that nobody is at.
extension Restore {
  /// Finishes or undoes a restore that nobody is at.
  func settleRestore(_ pending: Catalog.Pending) throws -> Settlement {
    switch try state(of: pending) {
    case .running: return .running
    case .elsewhere(let directory):
      tellFixed(pending.partial, directory)
      return .running
    case .unattended(let helper): return try endUnattended(pending, helper: helper)
    case .overwriting: return try endOverwrite(pending)
    case .incomplete:
      try undoRestore(pending)
      return .undone
    case .whole:
      try hypervisor.endHelper(of: pending.partial)
      return try finishForAnother(pending)
    case .untrusted:
      try hypervisor.endHelper(of: pending.partial)
      // We must not move and define files that only a pool which others can write to says are
      // whole.
      try leaveRestore(pending)
      return .undone
    }
  }

  /// Undoes a restore that does not copy and that no client is at, but for one that its domain has
  /// already.
  func undoLeft(_ pending: Catalog.Pending) throws {
    guard try repository.contains(pending.mark) else { return try undoRestore(pending) }
    if pending.partial.isOverwrite {
      _ = try endOverwrite(pending)
    } else if journal.trusts(pending.partial) {
      try hypervisor.endHelper(of: pending.partial)
      try undoWhole(pending)
    } else {
      try leaveRestore(pending)
    }
  }
}
