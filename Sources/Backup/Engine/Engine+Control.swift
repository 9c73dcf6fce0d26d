// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
import DomainXML
import QMP

extension Engine {
  /// Settles what is under way for any domain of the pool, then tells what still runs.
  ///
  /// - Returns: The operations, those of one domain together.
  /// - Throws: What the repository or libvirt throws.
  package func jobs() throws -> [JobReport] {
    var domains: [String] = []
    for pending in try catalog().pending where !domains.contains(pending.partial.domainUUID) {
      domains.append(pending.partial.domainUUID)
    }
    var told: Set<String> = []
    return try domains.flatMap { try jobs(of: $0) }.filter { told.insert($0.uuid).inserted }
  }

  /// Settles what is under way for a domain, then tells what still runs.
  package func jobs(of domainUUID: String) throws -> [JobReport] {
    let settled = try settle(domainUUID: domainUUID, endsLostSessions: false)
    return try catalog().pending(concerning: domainUUID).map { pending in
      let settlement = settled[pending.partial.uuid]
      do {
        return try report(of: pending, settlement)
      } catch {
        try context.rethrowUnlessLocal(error)
        tellUnsettled(pending.partial, error)
        return JobReport(of: pending.partial, state: "failed")
      }
    }
  }

  private func report(
    of pending: Catalog.Pending, _ settlement: Settlement?
  ) throws -> JobReport {
    let partial = pending.partial
    guard try journal.isHere(partial) else {
      return JobReport(of: partial, state: "running on \(partial.host.title)")
    }
    if settlement == .failed { return JobReport(of: partial, state: "failed") }
    return try operation(of: pending).report(settled: settlement)
  }

  /// Removes our bitmaps from a running domain's disks.
  ///
  /// The next backup is full and says why.
  package func forget(domainUUID: String) throws {
    guard let guest = try context.hypervisor.guest(uuid: domainUUID) else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    try settle(domainUUID: domainUUID)
    let catalog = try catalog()
    if let pending = catalog.pending(of: domainUUID).first(where: \.partial.occupiesDomain) {
      throw BackupError.occupied(by: pending.partial)
    }
    if let newest = catalog.points(of: domainUUID).last, catalog.forgotten[domainUUID] == nil {
      try context.repository.write(
        newest.manifest.volumeNames.forgotten,
        Array(ForgottenNote(domainUUID: domainUUID).text.utf8))
    }
    try guest.monitor.removeBitmaps { (name: String) in
      BitmapName(parsing: name) != nil || SessionBitmapName(parsing: name) != nil
    }
  }
}
