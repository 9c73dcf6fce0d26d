// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore that is under way, while no domain runs on what it makes.
struct PendingRestore: CopyingOperation {
  let context: Context
  let pending: Catalog.Pending
  /// The files that it makes, and the domain that gets them.
  let plan: Partial.Restore

  private var restore: Restore { Restore(context) }

  /// The client may be about to give the domain or the files what it copied.
  var isWaitedFor: Bool { !plan.isAsync }

  func settle(endsLost: Bool) throws -> Settlement { try restore.settleRestore(pending) }

  /// Cancels one that goes on without its client: settling would replace what the domain has.
  func abortUnsettled() throws -> Bool { try restore.abortAsyncRestore(pending) }

  /// Cancels its jobs: the client that waits sees their end and does the rest.
  func abortCopies(in guest: any Guest) throws -> Bool {
    try context.cancelJobs(of: partial, in: guest)
    return true
  }

  func undoLeft() throws -> Bool {
    try restore.undoLeft(pending)
    return true
  }

  func giveUp() throws {
    var files: [(number: Int, path: String)] = []
    for (number, disk) in plan.disks.enumerated() where !disk.isDevice {
      guard journal.trusts(partial), try !restore.has([disk], uuid: partial.domainUUID) else {
        observer.notice("the file '\(disk.temporaryPath)' is left where it is")
        continue
      }
      files.append((number, disk.temporaryPath))
    }
    for file in files {
      try attempt("the file '\(file.path)' is left where it is") {
        try journal.discard([file], of: pending, title: "the file")
      }
    }
    try forgetGivenUp()
  }

  func forgetGone() throws {
    tellLeft(plan.disks.map(\.temporaryPath))
    try forgetWithHost()
  }
}
