// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
import DomainXML

extension Engine {
  /// Finishes or undoes what other clients left of their operations on a domain.
  ///
  /// Jobs speak for themselves: what works is left alone, what is ready is published, what failed is
  /// undone, whoever started it. An operation without jobs belongs to a client that is setting up
  /// and is undone only when that client is gone or, where that cannot be known, much too late. One
  /// that can be neither finished nor undone is told and left, and stops nothing else.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - endsLostSessions: Whether NBD sessions whose QEMU has ended are ended too.
  /// - Returns: What became of each, by the operation's UUID.
  /// - Throws: ``BackupError`` where the user asked to stop, and what libvirt throws where it does not
  ///   answer; the rest is left for the next command.
  @discardableResult
  package func settle(
    domainUUID: String, endsLostSessions: Bool = true
  ) throws -> [String: Settlement] {
    var settled: [String: Settlement] = [:]
    for pending in try journal.removeStumps().pending(concerning: domainUUID) {
      do {
        // Others may have ended it since we looked.
        guard try journal.isUnderWay(pending) else { continue }
        settled[pending.partial.uuid] = try settleAtLast(
          pending, endsLostSessions: endsLostSessions)
      } catch {
        try context.rethrowUnlessLocal(error)
        guard try journal.isUnderWay(pending) else {
          // This client failed since another one was faster with all of it.
          settled[pending.partial.uuid] =
            try operation(of: pending).isFinished() ? .finished : .undone
          continue
        }
        settled[pending.partial.uuid] = .failed
        tellUnsettled(pending.partial, error)
      }
    }
    try HelperDomain.endOrphans(in: context)
    return settled
  }

  /// Settles an operation, and once more where its helper domain ended in the midst of that: of one that
  /// is gone nothing can be asked, and what it left is settled without it.
  private func settleAtLast(
    _ pending: Catalog.Pending, endsLostSessions: Bool
  ) throws -> Settlement {
    do {
      return try settle(pending, endsLostSessions: endsLostSessions)
    } catch  where pending.partial.helper != nil && !(error is BackupError) {
      try context.rethrowUnlessLocal(error)
      guard try context.guest(of: pending.partial) == nil else { throw error }
      return try settle(pending, endsLostSessions: endsLostSessions)
    }
  }

  private func settle(
    _ pending: Catalog.Pending, endsLostSessions: Bool
  ) throws -> Settlement {
    guard try journal.isHere(pending.partial) else { return .elsewhere }
    return try operation(of: pending).settle(endsLost: endsLostSessions)
  }

  /// Says, once in a command, that an operation could not be settled.
  func tellUnsettled(_ partial: Partial, _ error: any Error) {
    guard journal.noteUnsettled(partial) else { return }
    context.observer.notice(
      "\(partial.title) could be neither finished nor undone: \(error); backup-jobabort ends it")
  }
}
