// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Vsh

extension Workplace {
  /// Says on standard error which domains stand still because what suspended them for an instant was
  /// killed, with the process that guards them.
  ///
  /// It is for commands that change nothing; the others let the domains go.
  ///
  /// - Parameters:
  ///   - catalog: The pool.
  ///   - domainUUID: The domain that is asked about; nil for all.
  func tellSuspended(_ catalog: Catalog, domainUUID: String? = nil) {
    for pending in catalog.pending
    where domainUUID == nil || pending.partial.domainUUID == domainUUID {
      guard isLeftSuspended(pending.partial) else { continue }
      // Also with -q: it is no talk.
      let name = pending.partial.domainName
      shell.output.flush()
      shell.output.writeError(
        ("domain '\(name)' is suspended since a backup was broken off: 'virsh resume \(name)' or "
          + "the next backup command on it resumes it").printable + "\n")
    }
  }

  private func isLeftSuspended(_ partial: Partial) -> Bool {
    guard partial.holdsGuest.isSuspended, let host = try? hypervisor.host(),
      Workplace.process.isHere(partial, host),
      let guest = try? hypervisor.guest(uuid: partial.domainUUID)
    else { return false }
    let isDead = ProcessIdentity.liveness(of: partial.owner) == .dead
    let end = ContinuousClock.now + .seconds(isDead ? 1 : Context.holdLimit)
    while (try? guest.standstill()) == .ours {
      // A connection that may change nothing may not ask QEMU either.
      guard (try? guest.isAtInstant(of: partial)) ?? true else { return false }
      // Whoever holds it may just be about to let it go.
      if ContinuousClock.now >= end { return true }
      usleep(50_000)
    }
    return false
  }
}
