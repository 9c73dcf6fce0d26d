// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension SessionOptions {
  /// Where libvirt documents that certificates for backups are: its own place, then QEMU's.
  package static let certificateDirectories = ["/etc/pki/libvirt-backup", "/etc/pki/qemu"]

  /// What is asked of a domain's disks by the document and the options together; an option goes
  /// before the document.
  ///
  /// - Throws: `DomainXMLError` or ``BackupError`` when the document does not fit the domain, or asks
  ///   for what a session cannot do.
  func merged(in domain: DomainDefinition) throws -> SessionOptions {
    guard let document else { return self }
    guard document.mode == .pull else {
      throw BackupError(
        .invalid, "unsupported configuration: a push mode backup is no session: use backup-create")
    }
    let listed = try document.aligned(with: domain).disks ?? []
    var result = self
    let named = Set(disks.map(\.name))
    result.disks +=
      listed.filter { !named.contains($0.name) && (named.isEmpty || !$0.isIncluded) }.map { disk in
        .init(
          name: disk.name, isIncluded: disk.isIncluded, isFull: parent == nil && disk.mode == .full,
          parent: parent == nil ? disk.incremental : nil)
      }
    for disk in listed where disk.isIncluded {
      let given = exports[disk.name]
      result.exports[disk.name] = .init(
        name: given?.name ?? disk.exportName, bitmap: given?.bitmap ?? disk.exportBitmap)
    }
    if parent == nil { result.parent = document.incremental }
    try result.takeServer(of: document)
    try result.takeScratch(of: listed.filter(\.isIncluded))
    return result
  }

  private mutating func takeServer(of document: BackupDefinition) throws {
    guard let server = document.server else { return }
    if listen == nil {
      listen =
        switch server.transport {
        case .unix(let socket): .unix(path: socket)
        case .tcp(let name, let port): .tcp(host: name, port: port == 0 ? nil : port)
        }
    }
    if server.usesTLS == true, tlsDirectories == nil {
      tlsDirectories = SessionOptions.certificateDirectories
    }
  }

  private mutating func takeScratch(of disks: [BackupDefinition.Disk]) throws {
    func refuse(_ disk: BackupDefinition.Disk, _ what: String) -> BackupError {
      BackupError(.invalid, "unsupported configuration: scratch of disk '\(disk.name)' \(what)")
    }
    for disk in disks {
      guard let store = disk.store else { continue }
      guard disk.type == .file else {
        throw refuse(disk, "is a block device; only files can be used")
      }
      guard store.securityLabels.isEmpty else {
        throw refuse(disk, "has <seclabel>: it gets the label of the domain's own images")
      }
      let (directory, name) = Paths.split(store.path)
      guard Syntax.isAbsolutePath(store.path), Syntax.isVolumeName(name) else {
        throw refuse(disk, "has an impossible path")
      }
      if store.encryption != nil { encryptedScratch.insert(disk.name) }
      if scratchDirectory == nil {
        scratchPlaces[disk.name] = .init(directory: directory, name: name)
      }
    }
  }
}

extension SessionPlan {
  /// The plan as a document in which every choice is made.
  ///
  /// - Parameters:
  ///   - options: What was asked for.
  ///   - domain: The domain.
  ///   - server: Where it would be served.
  /// - Returns: The document.
  func document(
    for options: SessionOptions, in domain: DomainDefinition, server: NBDServer
  ) -> BackupDefinition {
    var document = BackupDefinition(mode: .pull)
    document.incremental = options.parent
    let transport: BackupDefinition.Transport =
      switch server.transport {
      case .unix(let path): .unix(socket: path ?? "")
      case .tcp(let host, let port): .tcp(name: host, port: port)
      }
    document.server = .init(
      transport: transport, usesTLS: server.isTLS ? true : options.document?.server?.usesTLS)
    let listed = options.document?.disks ?? []
    let order =
      listed.map(\.name)
      + domain.disks.map(\.target).filter { target in !listed.contains { $0.name == target } }
    document.disks = order.map { name in
      guard let planned = disks.first(where: { $0.view.live.name == name }) else {
        return .init(name: name, isIncluded: false)
      }
      var disk = listed.first { $0.name == name } ?? .init(name: name)
      disk.isIncluded = true
      disk.mode = planned.view.bases.isEmpty ? .full : .incremental
      let named = options.disks.first { $0.name == name }?.parent
      disk.incremental = planned.view.bases.isEmpty ? nil : named ?? options.parent
      disk.exportName = planned.export
      disk.exportBitmap = planned.view.bases.isEmpty ? nil : planned.view.changes
      if disk.store != nil { disk.format = disk.format ?? "qcow2" }
      return disk
    }
    return document
  }
}
