// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// An operation that is written down in the pool, as a client finds it that may not have begun it.
///
/// Each kind of operation has a type of its own for that, in its folder. These are all the questions
/// that the facade asks, so that a kind which answers them is settled, shown and ended like the others.
package protocol PendingOperation: Operation {
  /// The operation, and where it is written down.
  var pending: Catalog.Pending { get }

  /// Finishes or undoes what its client left; what works is left alone.
  ///
  /// - Parameter endsLost: Whether one whose QEMU has ended is ended too, which its owner does not see
  ///   then.
  /// - Returns: What became of it.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the next command goes on.
  func settle(endsLost: Bool) throws -> Settlement

  /// Tells that what it makes is there, where another client has ended it: that client finished it and
  /// did not undo it.
  func isFinished() throws -> Bool

  /// Cancels it before it is settled, where settling would give the user what it made.
  ///
  /// - Returns: Whether it was one of these, and could still be undone.
  /// - Throws: As ``abort(settled:)``.
  func abortUnsettled() throws -> Bool

  /// Cancels it.
  ///
  /// - Parameter settled: What settling found of it, right before; nil where that found nothing.
  /// - Returns: Whether there was something to cancel.
  /// - Throws: ``BackupError`` with code `busy` where a client is at it whose work cannot be taken from
  ///   it; what keeps it from being undone.
  func abort(settled: Settlement?) throws -> Bool

  /// Undoes what can be undone, tells what is left and where, and ends with
  /// ``PendingOperation/forgetGivenUp()``, whatever the state of the operation.
  ///
  /// Callers take ``PendingOperation/giveUp(because:)``, which ends the helper domain before.
  ///
  /// - Throws: What libvirt throws where it does not answer; ``BackupError`` where what only the
  ///   partial knows could not be written elsewhere.
  func giveUp() throws

  /// Forgets it, as an operation of a host that is gone for good, and deletes what of it is in the pool
  /// and belongs to no backup.
  ///
  /// No domain and no file of this host is asked or touched. It ends with
  /// ``PendingOperation/forgetWithHost()``.
  ///
  /// - Throws: ``BackupError`` or what libvirt throws; the operation is still written down then.
  func forgetGone() throws

  /// Tells how far it is.
  ///
  /// - Parameter settled: What settling found of it, right before; nil where that found nothing.
  /// - Returns: What is shown of it.
  /// - Throws: `QMPError` or what libvirt throws.
  func report(settled: Settlement?) throws -> JobReport

  /// Limits what it copies.
  ///
  /// - Parameter bandwidth: Bytes per second that its copies together may take; nil for no limit.
  /// - Returns: Whether a copy ran that could be limited.
  /// - Throws: What libvirt throws.
  func setSpeed(bandwidth: UInt64?) throws -> Bool
}

extension PendingOperation {
  /// The operation as it is written down.
  package var partial: Partial { pending.partial }

  /// Says no: of most kinds that cannot be told.
  package func isFinished() throws -> Bool { false }

  /// Does nothing: most kinds are undone after they were settled.
  package func abortUnsettled() throws -> Bool { false }
}
