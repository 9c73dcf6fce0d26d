// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// The steps that all sessions share: of a domain that runs, of one that is shut off, and of a point.
extension Session {
  /// Tells the user what a session will not have.
  func tell(_ plan: SessionPlan) {
    for line in plan.leftOut { observer.notice(line) }
    for disk in plan.disks {
      if let reason = disk.reason {
        observer.notice("disk '\(disk.view.live.name)': all of it (\(reason.text))")
      }
    }
  }

  /// The nodes that were opened for a session.
  struct Served {
    /// The domain whose QEMU serves it.
    var guest: any Guest
    /// The port that was taken where a free one was asked for.
    var port: UInt16?
    /// The node of each disk, and whether what changed is known.
    var disks: [(node: String, hasChanges: Bool)]
  }

  /// Exports what a session opened, or takes it back.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - session: What was written down of it.
  ///   - open: Opens what is exported and starts the server.
  /// - Returns: What can be read where.
  /// - Throws: What went wrong first.
  func serve(
    _ pending: Catalog.Pending, _ session: Partial.Session, open: () throws -> Served
  ) throws -> SessionReport {
    do {
      let served = try open()
      for (number, (disk, source)) in zip(session.disks, served.disks).enumerated() {
        let names = NodeNames(operation: pending.partial.uuid, disk: number)
        try served.guest.monitor.execute(
          .blockExportAdd(
            NBDExport(
              id: names.export(port: served.port), node: source.node, name: disk.export,
              bitmap: source.hasChanges ? disk.exportBitmap : nil)))
      }
      guard let report = try report(of: pending.partial, session, guest: served.guest) else {
        throw BackupError(.failed, "the session ended at once")
      }
      return report
    } catch {
      // The user has to know the first error.
      let cause = error
      do {
        try endSession(pending, keepsBitmap: false)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      throw cause
    }
  }

  /// Writes down a session.
  func begin(
    _ session: Partial.Session, operation: String, name: String, of domain: DomainDefinition,
    helper: String?
  ) throws -> Catalog.Pending {
    try journal.begin(
      Partial(
        uuid: operation, pointName: name, domainName: domain.name, domainUUID: domain.uuid,
        host: try hypervisor.host(), owner: process.owner, creationTime: process.time(),
        helper: helper, operation: .session(session)),
      in: VolumeNames(domain: domain.name, uuid: domain.uuid, point: name).partial)
  }
}
