// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BackupDefinition {
  /// Completes the document by what the domain has, in libvirt's order.
  ///
  /// Every disk of the domain is listed then: those of the document first, then the others in the
  /// domain's order. Paths are not made up: a disk without a target or scratch image keeps none.
  /// Doing it twice changes nothing.
  ///
  /// - Parameters:
  ///   - domain: the domain.
  ///   - isAutomatic: true leaves the mode of a disk open where the document says nothing of it,
  ///     which is else full.
  /// - Returns: the completed document.
  /// - Throws: `DomainXMLError` in libvirt's words where the document does not fit the domain.
  package func aligned(
    with domain: DomainDefinition, isAutomatic: Bool = false
  ) throws(DomainXMLError) -> BackupDefinition {
    guard !domain.disks.isEmpty else {
      throw .unsupported("domain must have at least one disk to perform backup")
    }
    var listed = disks ?? []
    try check(listed, against: domain)
    let names = Set(listed.map(\.name))
    for disk in domain.disks where !names.contains(disk.target) {
      let isTaken = disks == nil && disk.source != .none && !disk.isReadOnly
      listed.append(Disk(name: disk.target, isIncluded: isTaken))
    }
    for index in listed.indices where listed[index].isIncluded {
      complete(&listed[index], isAutomatic: isAutomatic)
    }
    guard listed.contains(where: \.isIncluded) else {
      throw .unsupported("no disks selected for backup")
    }
    if case .unix(let socket)? = server?.transport, !Syntax.isAbsolutePath(socket) {
      throw .unsupported("socket path '\(socket)' is not a plain absolute path")
    }
    var result = self
    result.disks = listed
    return result
  }

  private func check(_ listed: [Disk], against domain: DomainDefinition) throws(DomainXMLError) {
    var seen: Set<String> = []
    for disk in listed {
      guard let known = domain.disks.first(where: { $0.target == disk.name }) else {
        throw .unsupported("no disk named '\(disk.name)'")
      }
      guard seen.insert(disk.name).inserted else {
        throw .unsupported("disk '\(disk.name)' specified twice")
      }
      guard disk.mode != .incremental || disk.incremental != nil || incremental != nil else {
        throw .unsupported(
          "'incremental' backup mode of disk '\(disk.name)' requires setting 'incremental' field "
            + "for disk or backup")
      }
      guard !disk.isIncluded || known.source != .none else {
        throw .unsupported("disk '\(disk.name)' has no media")
      }
      if let path = disk.store?.path, !Syntax.isAbsolutePath(path) {
        throw .unsupported("path '\(path)' of disk '\(disk.name)' is not a plain absolute path")
      }
    }
  }

  private func complete(_ disk: inout Disk, isAutomatic: Bool) {
    if disk.mode == nil {
      let isIncremental = incremental != nil || disk.incremental != nil
      disk.mode = isIncremental ? .incremental : isAutomatic ? nil : .full
    }
    if disk.mode == .incremental { disk.incremental = disk.incremental ?? incremental }
    switch mode {
    case .push:
      disk.format = disk.format ?? "qcow2"
    case .pull:
      if disk.store != nil { disk.format = "qcow2" }
      disk.exportName = disk.exportName ?? disk.name
      if disk.mode == .incremental {
        disk.exportBitmap = disk.exportBitmap ?? "backup-\(disk.name)"
      }
    }
  }
}
