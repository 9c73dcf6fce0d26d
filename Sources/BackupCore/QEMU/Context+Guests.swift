// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Context {
  /// The domain whose QEMU works for an operation; nil when it has ended.
  package func guest(of partial: Partial) throws -> (any Guest)? {
    if let helper = partial.helper { return try hypervisor.guest(name: helper) }
    guard !partial.liveDisks.isEmpty || partial.liveRestore != nil else { return nil }
    return try hypervisor.guest(uuid: partial.domainUUID)
  }

  /// Asks the QEMU that works for an operation; returns nil if that QEMU ends meanwhile.
  ///
  /// A helper domain ends as soon as another client has no more need of it.
  package func unlessEnded<Result>(_ partial: Partial, _ body: () throws -> Result) throws
    -> Result?
  {
    do {
      return try body()
    } catch {
      guard try guest(of: partial) == nil else { throw error }
      return nil
    }
  }

  /// Does something through a domain's QEMU, and tells of its end where that is what went wrong: of a
  /// QEMU that was killed libvirt says one of several things, after the moment at which it notices.
  ///
  /// - Parameters:
  ///   - ended: What to tell.
  ///   - guest: The domain.
  ///   - body: What is done.
  /// - Returns: What it returns.
  /// - Throws: `ended`, or what `body` throws.
  package func telling<Result>(
    _ ended: BackupError, ifEnded guest: any Guest, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch  where !(error is BackupError) && guest.hasEnded() {
      throw ended
    }
  }

  /// Names what an operation failed for, in the user's eyes: a helper domain that does not answer is ended
  /// when its command is told to stop, and what libvirt says of it then is not what happened.
  ///
  /// - Parameters:
  ///   - error: What was thrown.
  ///   - deadline: When the command gives up; nil for never.
  /// - Returns: The request to stop where there was one and the error says no more than that a QEMU
  ///   does not answer.
  package func cause(of error: any Error, deadline: ContinuousClock.Instant?) -> any Error {
    if let error = error as? BackupError, error != .guestEnded { return error }
    if observer.isInterrupted { return BackupError.interrupted }
    if let deadline, ContinuousClock.now >= deadline { return BackupError.timedOut }
    return error
  }
}
