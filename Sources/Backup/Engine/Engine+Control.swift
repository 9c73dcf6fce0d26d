// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML
import QMP

/// An operation under way, for those who ask.
package struct JobReport: Sendable, Equatable {
  /// UUID of the operation.
  package var uuid: String
  /// Name of the domain.
  package var domain: String
  /// `create`, `restore`, `live`, `delete`, `nbd`, `verify`.
  package var operation: String
  /// Name of the point.
  package var name: String
  /// `running`, `running on HOST`, `failed` for a session whose QEMU has ended or that has lost the
  /// instant of its start, and for what can be neither finished nor undone, `stopped` or `shut off`
  /// for a live restore whose data does not move.
  package var state: String
  /// Seconds since 1970-01-01T00:00:00Z when it began.
  package var started: Int64
  /// How far each disk is; empty for a session.
  package var disks: [DiskProgress]
  /// What can be read of an NBD session; nil for another operation, or where nothing can.
  package var session: SessionReport?
  /// Why an NBD session has lost the instant of its start; nil where it has not.
  package var damage: String?
}

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
    guard try context.isHere(partial) else {
      return JobReport(of: partial, state: "running on \(partial.host.title)")
    }
    if settlement == .failed { return JobReport(of: partial, state: "failed") }
    let guest = try context.guest(of: partial)
    if let live = partial.liveRestore {
      return JobReport(
        of: partial, state: try LiveRestore(context).liveState(of: pending),
        disks: try guest.map { try LiveRestore(context).liveProgress(of: live, in: $0) } ?? [])
    }
    var report = JobReport(of: partial, state: settlement == .lost ? "failed" : "running")
    if let session = partial.session {
      report.session = try Session(context).report(of: partial, session, guest: guest)
      report.damage = try guest.flatMap { try Session(context).damage(of: partial, in: $0) }
      if report.damage != nil { report.state = "failed" }
    } else if let guest {
      report.disks =
        try context.unlessEnded(partial) {
          context.progress(
            of: try context.jobs(of: partial, in: guest.monitor), disks: partial.diskNames,
            operation: partial.uuid)
        } ?? []
    }
    return report
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
    try context.removeBitmaps(in: guest.monitor) { (name: String) in
      BitmapName(parsing: name) != nil || SessionBitmapName(parsing: name) != nil
    }
  }
}

extension JobReport {
  init(of partial: Partial, state: String, disks: [DiskProgress] = []) {
    self.init(
      uuid: partial.uuid, domain: partial.domainName, operation: partial.operation.name,
      name: partial.pointName, state: state,
      started: partial.creationTime, disks: disks, session: nil)
  }
}

extension Partial.Operation {
  /// The operation's name, for people and programs.
  package var name: String {
    switch self {
    case .create: "create"
    case .restore: "restore"
    case .live: "live"
    case .delete: "delete"
    case .session: "nbd"
    case .verify: "verify"
    }
  }
}
