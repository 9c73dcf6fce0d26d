// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension CreateOptions {
  /// What is asked of a domain's disks by the document and the options together.
  ///
  /// An option goes before the document; a disk that both name keeps its target.
  ///
  /// - Throws: `DomainXMLError` or ``BackupError`` when the document does not fit the domain or the
  ///   options.
  func merged(in domain: DomainDefinition) throws -> CreateOptions {
    guard let document else { return self }
    guard document.mode == .push else { throw BackupError.pullDocument }
    var aligned = try document.aligned(with: domain, isAutomatic: !document.hasTargets)
    if document.disks == nil { aligned.disks = nil }
    var requests = try (aligned.disks ?? []).map(DiskRequest.init)
    for index in requests.indices { override(&requests[index]) }
    var named: Set<String> = []
    for request in disks {
      guard named.insert(request.name).inserted else {
        throw BackupError.specifiedTwice(request.name)
      }
      guard let index = requests.firstIndex(where: { $0.name == request.name }) else {
        requests.append(request)
        continue
      }
      let target = requests[index].target
      requests[index] = request
      requests[index].target = target
    }
    var result = self
    result.disks = requests
    if !isFull, parent == nil, let incremental = document.incremental {
      result.parent = incremental
      result.isIncremental = true
    }
    try result.checkTargets()
    return result
  }

  /// Applies the options for all disks to what a document says of one.
  private func override(_ request: inout DiskRequest) {
    guard isFull || isIncremental || parent != nil else { return }
    request.isFull = isFull
    request.isIncremental = isIncremental
    request.parent = nil
  }

  /// Refuses what is half a point and half copies.
  private func checkTargets() throws {
    let chosen = disks.filter(\.isIncluded)
    let copied = chosen.filter { $0.target != nil }
    guard !copied.isEmpty else { return }
    if let disk = chosen.first(where: { $0.target == nil }) {
      throw BackupError(
        .invalid,
        "unsupported configuration: disk '\(disk.name)' has no <target> and disk "
          + "'\(copied[0].name)' has one: copies and a backup in a pool are not made at once")
    }
    guard description == nil else {
      throw BackupError(
        .invalid,
        "unsupported configuration: copies to a <target> are not recorded and take no "
          + "description")
    }
    var paths: Set<String> = []
    for disk in copied {
      guard let target = disk.target, !paths.insert(target.store.path).inserted else { continue }
      throw BackupError.targetExists(target.store.path, disk: disk.name)
    }
  }
}

extension DiskRequest {
  /// What an aligned document says of a disk.
  ///
  /// - Throws: ``BackupError`` for what it must not say.
  fileprivate init(_ disk: BackupDefinition.Disk) throws {
    self.init(
      name: disk.name, isIncluded: disk.isIncluded, isFull: disk.mode == .full,
      isIncremental: disk.mode == .incremental, parent: disk.incremental)
    let format = disk.format ?? "qcow2"
    func refuse(_ what: String) -> BackupError {
      BackupError(.invalid, "unsupported configuration: disk '\(disk.name)' \(what)")
    }
    guard let store = disk.store else {
      guard format == "qcow2" else {
        throw refuse("cannot be of format '\(format)' in a pool: only a <target> can")
      }
      guard disk.type == .file else { throw refuse("is of type 'block' and has no <target>") }
      return
    }
    guard ["qcow2", "raw"].contains(format) else {
      throw refuse("cannot be copied to format '\(format)', only to qcow2 and raw")
    }
    guard store.encryption == nil || format == "qcow2" || disk.type == .file else {
      throw refuse("cannot be copied to a device in format 'raw' and be encrypted")
    }
    target = CopyTarget(type: disk.type, format: format, store: store)
  }
}

extension CreatePlan {
  /// The plan as a document in which every choice is made.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - domain: The domain.
  ///   - points: The domain's points.
  /// - Returns: The document, aligned with the domain.
  func document(
    for options: CreateOptions, in domain: DomainDefinition, points: [Point]
  ) -> BackupDefinition {
    func name(_ point: String) -> String {
      points.first { $0.manifest.name == point || $0.manifest.uuid == point.lowercased() }?
        .manifest.name ?? point
    }
    var document = BackupDefinition()
    if !options.isFull {
      document.incremental = (options.parent ?? options.document?.incremental).map(name)
    }
    let listed = options.document?.disks ?? []
    let others = domain.disks.map(\.target).filter { target in
      !listed.contains { $0.name == target }
    }
    document.disks = (listed + others.map { .init(name: $0) }).map { disk in
      guard let index = disks.firstIndex(where: { $0.live.name == disk.name }) else {
        return .init(name: disk.name, isIncluded: false)
      }
      var disk = disk
      disk.isIncluded = true
      disk.mode = manifest.disks[index].mode == .full ? .full : .incremental
      disk.incremental = manifest.disks[index].parent.map(name)
      disk.format = disk.format ?? "qcow2"
      return disk
    }
    return document
  }
}
