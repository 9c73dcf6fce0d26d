// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// A pending operation that copies and then ends: a create, a restore, a delete.
///
/// While its jobs copy anybody can cancel these. Before and after that its client is at it, whose work
/// cannot be taken from it.
package protocol CopyingOperation: PendingOperation {
  /// Tells that its client waits for the copies, and goes on after them.
  var isWaitedFor: Bool { get }

  /// Cancels it while it copies.
  ///
  /// - Parameter guest: The domain whose QEMU copies.
  /// - Returns: Whether there was something to cancel.
  /// - Throws: As ``PendingOperation/abort(settled:)``.
  func abortCopies(in guest: any Guest) throws -> Bool

  /// Undoes it, where it does not copy and no client is at it.
  ///
  /// - Returns: False where it is finished.
  /// - Throws: As ``PendingOperation/abort(settled:)``.
  func undoLeft() throws -> Bool
}

extension CopyingOperation {
  /// Says no: of most kinds any client does what is left after the copies.
  package var isWaitedFor: Bool { false }

  /// Cancels its jobs or, where none are there, undoes what its client left.
  package func abort(settled: Settlement?) throws -> Bool {
    if let guest = try context.guest(of: partial),
      try !guest.monitor.jobs(of: partial).isEmpty
    {
      return try abortCopies(in: guest)
    }
    if try isInHands() {
      throw BackupError(
        .busy,
        "Requested operation is not valid: a client, process \(partial.owner.pid), is at "
          + "\(partial.title) and does not copy now; try again, or end that process first")
    }
    guard try undoLeft() else { return false }
    // An undo that could not end leaves the partial, and tells nothing.
    if try journal.isUnderWay(pending) { try giveUp(because: nil) }
    return true
  }

  /// Tells that a client is at an operation that does not copy, and cannot be stopped by others.
  private func isInHands() throws -> Bool {
    guard partial.owner != process.owner else { return false }
    // The client may be about to give the domain or the files what it copied, which may have taken long.
    switch process.liveness(partial.owner) {
    case .dead: return false
    case .alive:
      return try isWaitedFor || repository.age(of: pending.volume) <= Journal.setupLimit
    case .unknown:
      // A living one does not switch the disks after half of that time.
      return try isWaitedFor && repository.contains(pending.mark)
        && repository.age(of: pending.mark) <= Journal.setupLimit
    }
  }
}
