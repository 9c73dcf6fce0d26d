// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Session {
  /// Starts a session of a domain that is shut off: a helper domain has its disks open meanwhile, so
  /// that it cannot be started.
  ///
  /// - Parameters:
  ///   - text: The domain's definition.
  ///   - options: What the user asked for.
  ///   - server: Where it is served.
  /// - Returns: What can be read where.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; nothing of the attempt is left
  ///   then.
  func startSession(
    ofOffline text: String, options: SessionOptions, server: NBDServer
  ) throws -> SessionReport {
    guard !options.isQuiesced else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    let definition = try DomainDefinition(parsing: text)
    let catalog = try catalog()
    if let other = try journal.ownPending(of: definition.uuid, in: catalog).first {
      throw BackupError.occupied(by: other)
    }
    // What the images have of bitmaps only QEMU can tell. This helper ends with our connection; the
    // one that serves has the images before it goes.
    let (plan, looking) = try offlinePlan(options, definition, text: text, catalog: catalog)
    defer { try? looking.end() }
    let disks = try HelperDomain.disks(looking.disks.map(\.name), of: text)
    tell(plan)
    let session = Partial.Session(
      disks: plan.disks.map { disk in
        Partial.SessionDisk(
          disk: .init(name: disk.view.live.name, scratchVolume: nil, node: "", device: ""),
          export: disk.export, exportBitmap: disk.view.changes)
      }, server: server, parent: options.parent)
    let pending = try begin(
      session, operation: plan.operation, name: plan.name, of: definition,
      helper: OperationID(plan.operation).helper)
    return try serve(pending, session) {
      let held = try HelperDomain.start(
        disks, operation: plan.operation, domain: definition, isTrusted: true,
        outlivesClient: true, in: context)
      try looking.end()
      guard held.disks.map(\.node.nodeName) == plan.disks.map(\.view.live.node.nodeName) else {
        throw BackupError(.busy, "the images of the domain changed meanwhile; try again")
      }
      let monitor = held.guest.monitor
      let port = try startServer(
        server, tlsDirectories: options.tlsDirectories ?? [], operation: plan.operation,
        in: monitor)
      let served = plan.disks.map(\.view)
      try held.whileWritable(held.disks) {
        let kept = FrozenView(disks: served.filter(\.live.keepsBitmaps))
        if let command = kept.startRecording { try monitor.execute(command) }
      }
      if let command = plan.view.selectChanges(on: \.live.node.nodeName) {
        try monitor.execute(command)
      }
      return Served(
        guest: held.guest, port: port,
        disks: served.map { ($0.live.node.nodeName, !$0.bases.isEmpty) })
    }
  }

  /// Decides what a session of a shut-off domain will be.
  ///
  /// - Returns: The plan, and a helper that has the disks until our connection ends.
  func offlinePlan(
    _ options: SessionOptions, _ definition: DomainDefinition, text: String, catalog: Catalog
  ) throws -> (SessionPlan, HelperDomain) {
    let targets = try DiskSelection(options.disks, in: definition, allowsPlaintext: true)
      .chosen.map(\.disk.target)
    let looking = try HelperDomain.start(
      try HelperDomain.disks(targets, of: text), operation: process.newUUID(), domain: definition,
      isTrusted: true, in: context)
    do {
      let plan = try SessionPlan(
        options,
        in: context.situation(
          definition, text: text, nodes: try looking.guest.monitor.blockNodes(),
          devices: [], catalog: catalog),
        live: looking.disk(of:))
      return (plan, looking)
    } catch {
      try? looking.end()
      throw error
    }
  }

  /// As ``Engine/startSession(of:options:)``, once the domain is settled.
  func run(
    _ point: Point, options: SessionOptions, server: NBDServer
  ) throws -> SessionReport {
    let catalog = try catalog()
    guard let point = catalog.point(uuid: point.manifest.uuid) else {
      throw BackupError(.notFound, "backup '\(point.manifest.name)' is gone")
    }
    let definition = try DomainDefinition(parsing: point.manifest.domainXML)
    let operation = process.newUUID()
    let chains = try SessionPlan.chosen(options.disks, of: point).map { disk in
      (name: disk.name, chain: try catalog.chain(of: point, disk: disk.name))
    }
    for (_, chain) in chains { try context.checkChain(chain, in: catalog) }
    let session = Partial.Session(
      disks: chains.map { name, _ in
        let (export, bitmap) = options.exportNames(of: name)
        return Partial.SessionDisk(
          disk: .init(name: name, scratchVolume: nil, node: "", device: ""), export: export,
          exportBitmap: bitmap)
      }, server: server, stored: point.manifest.uuid)
    try SessionPlan.checkExports(session.disks.map { ($0.export, $0.exportBitmap) })
    let name = try SessionPlan.name(
      options.name,
      in: context.situation(definition, text: "", nodes: [], devices: [], catalog: catalog))
    let pending = try begin(
      session, operation: operation, name: name, of: definition,
      helper: OperationID(operation).helper)
    return try serve(pending, session) {
      let held = try HelperDomain.start(
        try chains.map { ($0.name, try repository.helperDisk($0.chain)) }, operation: operation,
        domain: definition,
        outlivesClient: true, in: context)
      let port = try startServer(
        server, tlsDirectories: options.tlsDirectories ?? [], operation: operation,
        in: held.guest.monitor)
      return Served(
        guest: held.guest, port: port, disks: held.disks.map { ($0.node.nodeName, false) })
    }
  }
}

extension SessionPlan {
  /// The disks of a point that a user chose.
  ///
  /// - Throws: ``BackupError`` when a disk is unknown, named twice, or none is left.
  static func chosen(
    _ requests: [DiskRequest], of point: Point
  ) throws -> [Manifest.Disk] {
    let disks = point.manifest.disks
    var named: [String: DiskRequest] = [:]
    for request in requests {
      guard disks.contains(where: { $0.name == request.name }) else {
        throw BackupError(
          .notFound, "backup '\(point.manifest.name)' has no disk named '\(request.name)'")
      }
      guard named.updateValue(request, forKey: request.name) == nil else {
        throw BackupError(
          .invalid, "unsupported configuration: disk '\(request.name)' specified twice")
      }
    }
    let takesOthers = !named.values.contains { $0.isIncluded }
    let chosen = disks.filter { named[$0.name]?.isIncluded ?? takesOthers }
    guard !chosen.isEmpty else {
      throw BackupError(.invalid, "unsupported configuration: no disks selected for backup")
    }
    return chosen
  }
}
