// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// An operation that can be neither finished nor undone is told, and stands in the way of nothing else;
/// `backup-jobabort` ends it whatever its state.
extension PendingOperation {
  /// Ends the operation whatever became of it: what can be undone is, the rest is told and left.
  ///
  /// - Parameter cause: Why it could not be undone as others are; nil where that was told.
  /// - Throws: As ``PendingOperation/giveUp()``.
  package func giveUp(because cause: (any Error)?) throws {
    if let cause {
      observer.notice("\(partial.title) cannot be undone as a whole: \(cause)")
    }
    try attempt("its helper domain could not be ended") { try hypervisor.endHelper(of: partial) }
    try giveUp()
  }

  /// Deletes the scratch files of an operation that is given up, and its partial.
  ///
  /// - Throws: What libvirt throws.
  package func forgetGivenUp() throws {
    try attempt("a scratch file is left where it is") {
      if try journal.isUnderWay(pending) { try context.deleteScratch(of: partial) }
    }
    try journal.end(pending)
  }

  /// Does what may fail, and tells when it did.
  ///
  /// - Parameters:
  ///   - failure: What the user is told then, before the reason.
  ///   - work: What is done.
  /// - Throws: What libvirt throws where it does not answer.
  package func attempt(_ failure: String, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      try context.rethrowUnlessLocal(error)
      observer.notice("\(failure): \(error)")
    }
  }

  /// Takes the operation out of the QEMU that works for it: its jobs, its view and its nodes; tells
  /// where that fails.
  ///
  /// - Throws: What libvirt throws where it does not answer.
  package func takeOut() throws {
    try attempt("it is still in the domain's QEMU") {
      guard let guest = try context.guest(of: partial) else { return }
      try context.letGo(of: partial, guest)
      try context.cancelJobs(of: partial, in: guest)
      try context.takeDown(partial, guest: guest)
      try guest.monitor.dismissJobs(of: partial)
    }
  }
}

/// An operation of a host that is gone for good is forgotten without asking anything of that host.
extension PendingOperation {
  /// Deletes the scratch files that are in the pool, tells of those that are not, and deletes the
  /// partial.
  ///
  /// - Throws: What libvirt throws.
  package func forgetWithHost() throws {
    try journal.discard(
      partial.liveDisks.filter { $0.scratchDirectory == nil }.compactMap(\.scratchVolume),
      of: pending)
    tellLeft(
      partial.liveDisks.compactMap { disk in
        disk.scratchDirectory.flatMap { directory in
          disk.scratchVolume.map { "\(directory)/\($0)" }
        }
      })
    try journal.end(pending)
  }

  /// Tells which files of that host nobody can delete from here.
  package func tellLeft(_ paths: [String]) {
    guard !paths.isEmpty else { return }
    observer.notice("left on that host: \(paths.joined(separator: ", "))")
  }
}
