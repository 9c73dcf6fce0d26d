// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// An operation under way, for those who ask.
package struct JobReport: Sendable, Equatable {
  /// `create`, `restore`, `live`, `delete`, `nbd`.
  package var operation: String
  /// Name of the point.
  package var name: String
  /// `running`, `running on HOST`, `failed` for a session whose QEMU has ended or that has lost the
  /// instant of its start, `stopped` or `shut off` for a live restore whose data does not move.
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
  /// Settles, then tells what still runs.
  package func jobs(of domainUUID: String) throws -> [JobReport] {
    let settled = try settle(domainUUID: domainUUID, endsLostSessions: false)
    let host = try hypervisor.hostUUID()
    return try catalog().pending(concerning: domainUUID).map { pending in
      let partial = pending.partial
      let isHere = partial.hostUUID == host
      let guest = isHere ? try self.guest(of: partial) : nil
      var damage: String?
      if let guest, partial.session != nil { damage = try self.damage(of: partial, in: guest) }
      let isLost = settled[partial.uuid] == .lost || damage != nil
      if let live = partial.liveRestore, isHere {
        return JobReport(
          operation: partial.operation.name, name: partial.pointName,
          state: try liveState(of: pending), started: partial.creationTime,
          disks: try guest.map { try liveProgress(of: live, in: $0) } ?? [])
      }
      return JobReport(
        operation: partial.operation.name, name: partial.pointName,
        state: isLost ? "failed" : isHere ? "running" : "running on \(partial.hostUUID)",
        started: partial.creationTime,
        disks: partial.session != nil
          ? []
          : try guest.flatMap { guest in
            try unlessEnded(partial) {
              progress(
                of: try jobs(of: partial, in: guest.monitor), disks: partial.diskNames,
                operation: partial.uuid)
            }
          } ?? [],
        session: try partial.session.flatMap { try report(of: partial, $0, guest: guest) },
        damage: damage)
    }
  }

  /// Cancels what runs on a domain and undoes it.
  ///
  /// - Throws: ``BackupError`` when nothing runs that could be cancelled.
  package func abort(domainUUID: String) throws {
    let host = try hypervisor.hostUUID()
    func pending() throws -> [Catalog.Pending] {
      try catalog().pending(concerning: domainUUID).filter { $0.partial.hostUUID == host }
    }
    var isAborted = false
    // One that has copied all is not ended first: that would replace what the domain has.
    for item in try pending() where try abortAsyncRestore(item) { isAborted = true }
    try settle(domainUUID: domainUUID)
    for item in try pending() {
      if item.partial.session != nil {
        try endSession(item, keepsBitmap: false)
        isAborted = true
        continue
      }
      if let live = item.partial.liveRestore {
        if try abortLive(item, live) { isAborted = true }
        continue
      }
      guard let guest = try guest(of: item.partial) else { continue }
      switch item.partial.operation {
      case .create:
        try undoCreate(item, guest: guest)
        isAborted = true
      case .restore where item.partial.restore?.isAsync == true && repository.isTrusted:
        continue
      case .restore:
        // The client that waits sees the end of the jobs and does the rest.
        try cancelJobs(of: item.partial, in: guest)
        isAborted = true
      case .delete:
        try abortDelete(item, in: guest)
        isAborted = true
      case .live, .session:
        continue
      }
    }
    guard isAborted else {
      throw BackupError(
        .invalid, "Requested operation is not valid: no job is active on the domain")
    }
  }

  /// Removes our bitmaps from a running domain's disks.
  ///
  /// The next backup is full and says why.
  package func forget(domainUUID: String) throws {
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    try settle(domainUUID: domainUUID)
    let catalog = try catalog()
    if let pending = catalog.pending(of: domainUUID).first(where: \.partial.occupiesDomain) {
      throw BackupError.occupied(by: pending.partial)
    }
    if let newest = catalog.points(of: domainUUID).last, catalog.forgotten[domainUUID] == nil {
      try repository.write(
        newest.manifest.volumeNames.forgotten,
        Array(ForgottenNote(domainUUID: domainUUID).text.utf8))
    }
    try removeBitmaps(in: guest.monitor) { (name: String) in
      BitmapName(parsing: name) != nil || SessionBitmapName(parsing: name) != nil
    }
  }

  /// What the QEMU that works for an operation tells; nil when it ends meanwhile, which a helper
  /// domain that another client has no more need of does.
  func unlessEnded<Result>(_ partial: Partial, _ body: () throws -> Result) throws -> Result? {
    do {
      return try body()
    } catch {
      guard try guest(of: partial) == nil else { throw error }
      return nil
    }
  }

  /// The domain whose QEMU works for an operation; nil when it has ended.
  func guest(of partial: Partial) throws -> (any Guest)? {
    if let helper = partial.helper { return try hypervisor.guest(name: helper) }
    guard !partial.liveDisks.isEmpty || partial.liveRestore != nil else { return nil }
    return try hypervisor.guest(uuid: partial.domainUUID)
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
    }
  }
}
