// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// Serves frozen views of disks, or points, to other programs by NBD.
struct Session: Operation {
  let context: Context

  init(_ context: Context) { self.context = context }
}

extension Session {
  /// As ``Engine/startSession(domainUUID:options:)``, once the domain is settled.
  func run(
    domainUUID: String, options: SessionOptions
  ) throws -> SessionReport {
    let guest = try hypervisor.guest(uuid: domainUUID)
    let text = try sessionDefinition(domainUUID, guest: guest)
    let options = try options.merged(in: try DomainDefinition(parsing: text))
    let server = try server(for: options)
    guard let guest else {
      return try startSession(ofOffline: text, options: options, server: server)
    }
    do {
      return try startSession(
        of: guest, text: text, options: options, isProtected: options.protection != .none,
        server: server)
    } catch is MissingViewDrivers {
      guard options.protection == .automatic else { throw BackupError.noView }
      return try startSession(
        of: guest, text: text, options: options, isProtected: false, server: server)
    }
  }

  /// As ``Engine/document(ofSession:domainUUID:)``.
  func document(
    of asked: SessionOptions, domainUUID: String
  ) throws -> BackupDefinition {
    let guest = try hypervisor.guest(uuid: domainUUID)
    let text = try sessionDefinition(domainUUID, guest: guest)
    let definition = try DomainDefinition(parsing: text)
    let options = try asked.merged(in: definition)
    let server = try server(for: options)
    let catalog = try catalog()
    if let guest {
      let plan = try plan(
        options, definition, text: text, guest: guest, isProtected: options.protection != .none,
        catalog: catalog)
      return plan.document(
        for: options, in: definition,
        server: try resolved(server, operation: plan.operation, in: guest.monitor))
    }
    guard server.transport != .unix(path: nil) else {
      throw BackupError(
        .invalid,
        "the domain is shut off and has no run-time directory yet; choose a place with --socket")
    }
    let (plan, looking) = try offlinePlan(options, definition, text: text, catalog: catalog)
    try looking.end()
    return plan.document(for: options, in: definition, server: server)
  }

  private func sessionDefinition(_ domainUUID: String, guest: (any Guest)?) throws -> String {
    if let guest { return try guest.definition() }
    guard let text = try hypervisor.inactiveDefinition(uuid: domainUUID) else {
      throw BackupError(.notFound, "the domain is gone; --stored serves a backup of it")
    }
    return text
  }

  private func plan(
    _ options: SessionOptions, _ definition: DomainDefinition, text: String, guest: any Guest,
    isProtected: Bool, catalog: Catalog
  ) throws -> SessionPlan {
    let nodes = try guest.monitor.blockNodes()
    let devices = try guest.monitor.blockDevices(of: definition)
    let nodesByName = nodes.byName
    var situation = context.situation(
      definition, text: text, nodes: nodes, devices: devices, catalog: catalog)
    situation.support = try ViewSupport(of: guest.monitor)
    return try SessionPlan(options, in: situation, isProtected: isProtected) {
      try LiveDisk($0, nodes: nodesByName, devices: devices)
    }
  }

  private func startSession(
    of guest: any Guest, text: String, options: SessionOptions, isProtected: Bool,
    server: NBDServer
  ) throws -> SessionReport {
    let catalog = try catalog()
    let definition = try DomainDefinition(parsing: text)
    try context.refuseWhileBusy(guest, domainUUID: definition.uuid, catalog: catalog)
    let plan = try plan(
      options, definition, text: text, guest: guest, isProtected: isProtected, catalog: catalog)
    // A user who cannot have what was asked for hears of nothing else before.
    let isSuspended = try context.mayStop(guest, isQuiesced: options.isQuiesced)
    tell(plan)
    if !isProtected { observer.notice(Protection.warning) }
    try guest.monitor.removeDescriptorSets { _ in true }
    let session = Partial.Session(
      disks: plan.disks.map { disk in
        Partial.SessionDisk(
          disk: .init(
            name: disk.view.live.name, scratchVolume: disk.view.scratchVolume,
            scratchDirectory: disk.view.scratchDirectory,
            node: disk.view.live.node.nodeName, device: disk.view.live.device),
          export: disk.export, exportBitmap: disk.view.changes)
      },
      server: server, parent: options.parent,
      isSuspended: plan.needsSuspension && isSuspended, isFrozen: options.isQuiesced)
    try context.checkScratch(of: plan.view)
    let pending = try begin(
      session, operation: plan.operation, name: plan.name, of: definition, helper: nil)
    return try serve(pending, session) {
      var port: UInt16?
      func start() throws {
        port = try startServer(
          server, tlsDirectories: options.tlsDirectories ?? [], operation: plan.operation,
          in: guest.monitor)
      }
      try context.telling(.guestEnded, ifEnded: guest) {
        if plan.isProtected {
          try context.openView(
            plan.view, pending: pending, definition: definition, guest: guest, beforeInstant: start)
        } else {
          try openUnprotected(
            plan, pending: pending, definition: definition, guest: guest, beforeInstant: start)
        }
      }
      return Served(
        guest: guest, port: port,
        disks: plan.disks.map { (plan.exported($0), !$0.view.bases.isEmpty) })
    }
  }

  /// Freezes the states of disks without protecting the guest.
  ///
  /// Plain jobs save what the guest overwrites, where
  /// ``Context/openView(_:pending:definition:guest:beforeInstant:atInstant:)`` opens a view.
  private func openUnprotected(
    _ plan: SessionPlan, pending: Catalog.Pending, definition: DomainDefinition,
    guest: any Guest, beforeInstant: () throws -> Void
  ) throws {
    try context.makeScratches(of: plan.view, owner: definition)
    for disk in plan.view.disks {
      try observer.stopIfInterrupted()
      try context.openScratch(of: disk, backing: disk.live.node.nodeName, in: guest.monitor)
    }
    try beforeInstant()
    try context.instant(
      of: pending, guest: guest, needsSuspension: plan.needsSuspension,
      frozenMark: plan.view.disks.first?.names.scratch
    ) {
      try guest.monitor.execute(plan.startUnprotected)
    }
    if let command = plan.view.selectChanges(on: \.names.scratch) {
      try guest.monitor.execute(command)
    }
  }
}
