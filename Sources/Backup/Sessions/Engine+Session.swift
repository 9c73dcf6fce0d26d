// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Starts an NBD session of a running domain: a frozen view of its disks that other programs
  /// read, with what changed since an earlier one.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - options: What the user asked for.
  /// - Returns: What can be read where.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then.
  package func startSession(
    domainUUID: String, options: SessionOptions
  ) throws -> SessionReport {
    try options.checkAddress()
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    try settle(domainUUID: domainUUID)
    let catalog = try catalog()
    try refuseWhileBusy(guest, domainUUID: domainUUID, catalog: catalog)
    let text = try guest.definition()
    let definition = try DomainDefinition(parsing: text)
    let plan = try SessionPlan(
      options,
      in: .init(
        definition: definition, definitionText: text, inactiveText: nil,
        nodes: try guest.monitor.blockNodes(), devices: try guest.monitor.blockDevices(),
        catalog: catalog, time: process.time(), newUUID: process.newUUID))
    for line in plan.leftOut { observer.notice(line) }
    for disk in plan.disks {
      if let reason = disk.reason {
        observer.notice("disk '\(disk.view.live.name)': all of it (\(reason.text))")
      }
    }
    let isRunning = try guest.isRunning()
    guard isRunning || !options.isQuiesced else { throw BackupError.cannotQuiesce }
    try removeDescriptorSets(in: guest.monitor) { _ in true }
    let session = Partial.Session(
      disks: plan.disks.map(\.described),
      server: try server(for: options, operation: plan.operation, guest: guest),
      parent: options.parent, scratchDirectory: options.scratchDirectory,
      isSuspended: plan.view.needsSuspension && isRunning, isFrozen: options.isQuiesced)
    let scratch =
      try options.scratchDirectory.map(hypervisor.repository(directory:)) ?? repository
    let pending = try begin(
      partial(session, operation: plan.operation, name: plan.name, of: definition),
      in: VolumeNames(domain: definition.name, uuid: domainUUID, point: plan.name).partial)
    return try serve(pending, session, guest: guest) {
      var port: UInt16?
      try openView(
        plan.view, pending: pending, scratch: scratch, definition: definition, guest: guest
      ) {
        port = try startServer(
          session.server, tlsDirectories: options.tlsDirectories ?? [], operation: plan.operation,
          in: guest.monitor)
      }
      return (port, plan.view.disks.map(\.names.view))
    }
  }

  /// Exports what a session opened, or takes it back.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - session: What was written down of it.
  ///   - guest: The domain whose QEMU serves it.
  ///   - open: Opens what is exported and starts the server; returns the port that was taken, and
  ///     the node of each disk.
  /// - Returns: What can be read where.
  func serve(
    _ pending: Catalog.Pending, _ session: Partial.Session, guest: any Guest,
    open: () throws -> (port: UInt16?, nodes: [String])
  ) throws -> SessionReport {
    do {
      let (port, nodes) = try open()
      for (number, (disk, node)) in zip(session.disks, nodes).enumerated() {
        let names = NodeNames(operation: pending.partial.uuid, disk: number)
        try guest.monitor.execute(
          .blockExportAdd(
            NBDExport(
              id: names.export(port: port), node: node, name: disk.export,
              bitmap: disk.exportBitmap)))
      }
      return SessionReport(pending.partial, session, port: port)
    } catch {
      // What went wrong first is what the user has to know.
      let cause = error
      do {
        try endSession(pending, guest: guest, keepsBitmap: false)
      } catch {
        observer.notice("\(error)")
        throw (cause as? BackupError)?.leavingTraces ?? cause
      }
      throw cause
    }
  }

  /// What is written down of a session.
  func partial(
    _ session: Partial.Session, operation: String, name: String, of domain: DomainDefinition,
    helper: String? = nil
  ) throws -> Partial {
    Partial(
      uuid: operation, pointName: name, domainName: domain.name, domainUUID: domain.uuid,
      hostUUID: try hypervisor.hostUUID(), owner: process.owner, creationTime: process.time(),
      helper: helper, operation: .session(session))
  }
}

extension SessionPlan.Disk {
  /// What is written down of the disk.
  fileprivate var described: Partial.SessionDisk {
    Partial.SessionDisk(
      disk: .init(
        name: view.live.name, scratchVolume: view.scratchVolume, node: view.live.node.nodeName,
        device: view.live.device),
      capacity: view.live.capacity, export: export, exportBitmap: exportBitmap,
      bitmap: view.bitmap, baseBitmap: baseBitmap)
  }
}
