// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Restore {
  /// Adds the NVRAM to a plan.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - text: What will be defined.
  ///   - existing: The domain that has disks already; nil where there is none.
  ///   - options: What the user asked for.
  /// - Returns: The definition with the place of the NVRAM, where libvirt would look elsewhere.
  /// - Throws: ``BackupError`` or what libvirt throws.
  func placeNVRAM(
    in plan: inout RestorePlan, definition text: String, over existing: OverwrittenDomain?,
    options: RestoreOptions
  ) throws -> String {
    let definition = try DomainDefinition(parsing: text)
    guard options.disks.isEmpty, let state = plan.point.manifest.nvram,
      let nvram = definition.nvram, nvram.isFile,
      let expected = hypervisor.nvramPath(of: text, definition)
    else { return text }
    var path = expected
    if let directory = options.targetDirectory {
      path = "\(directory)/\(VolumeNames.escape(definition.name))_VARS.fd"
    }
    var replaced: Partial.ReplacedImage?
    if let existing {
      let old = hypervisor.nvramPath(of: existing.text, existing.definition)
      path = try freePath(path, besides: old)
      replaced = .init(
        path: old.flatMap { context.isThere($0) ? $0 : nil }, isKept: options.keepsOld)
    }
    let stored = Manifest.Disk(
      name: VolumeNames.nvramDisk, mode: .full, parent: nil, capacity: state.capacity,
      format: "raw", volume: state.volume)
    plan.nvram = RestorePlan.Disk(
      stored: stored, chain: [stored],
      names: NodeNames(operation: plan.operation, disk: plan.disks.count), path: path,
      format: nvram.format == "qcow2" ? "qcow2" : "raw", isAsDefined: path == expected,
      replaced: replaced)
    return path == expected ? text : try RestoredDefinition.placingNVRAM(at: path, in: text)
  }

  /// A path like another where nothing is.
  private func freePath(_ wanted: String, besides old: String?) throws -> String {
    let (directory, name) = Paths.split(wanted)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    let stem = name.hasSuffix(".fd") ? String(name.dropLast(3)) : name
    var path = wanted
    var number = 2
    while try path == old || hypervisor.isTaken(path)
      || files.contains(Paths.split(path).name)
    {
      path = "\(directory)/\(stem)-\(number).fd"
      number += 1
    }
    return path
  }

  /// Where the state of a point's TPM goes; nil where none is restored.
  ///
  /// - Throws: ``BackupError`` with code `exists` where a domain that is gone left one.
  func placeTPM(
    of point: Point, definition text: String, over existing: OverwrittenDomain?,
    options: RestoreOptions
  ) throws -> Partial.RestoredTPM? {
    let definition = try DomainDefinition(parsing: text)
    guard options.disks.isEmpty, let state = point.manifest.tpm, let tpm = definition.tpm,
      let path = context.path(of: tpm, uuid: definition.uuid)
    else { return nil }
    if existing == nil, context.isThere(path) {
      throw BackupError(.exists, "the state of the TPM '\(path)' exists")
    }
    return .init(volume: state.volume.name, path: path, keepsOld: options.keepsOld)
  }

  /// Gives a domain that does not run the state of its TPM.
  ///
  /// libvirt gives the file to the TPM's emulator when that starts. Repeating it does no harm. Where
  /// it cannot be done the user is told, and the restore goes on: all data is whole.
  ///
  /// - Parameters:
  ///   - tpm: The state; nil for none.
  ///   - uuid: The domain, which need not be the one the backup is of, and need not be defined yet.
  ///   - pending: The restore.
  /// - Throws: What libvirt throws where it does not answer any more; the next command goes on.
  func restoreTPM(
    _ tpm: Partial.RestoredTPM?, to uuid: String, of pending: Catalog.Pending
  ) throws {
    guard let tpm else { return }
    if try hypervisor.isActive(uuid: uuid) {
      observer.notice("the state of the TPM is left as it is: the domain runs")
      return
    }
    do {
      try write(tpm, of: pending)
    } catch {
      _ = try hypervisor.domainName(uuid: uuid)
      observer.notice("the state of the TPM is not restored: \(error)")
    }
  }

  private func write(_ tpm: Partial.RestoredTPM, of pending: Catalog.Pending) throws {
    let (directory, name) = Paths.split(tpm.path)
    let state = try context.stateOfTPM(in: tpm.volume)
    try hypervisor.makeDirectory(directory)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    if try files.contains(name) {
      let old = try files.read(name, offset: 0, length: Context.longestState)
      if old == state { return }
      if tpm.keepsOld {
        let kept = "\(name).\(pending.partial.uuid.prefix(8))"
        if try !files.contains(kept) { try files.write(kept, old) }
      }
      try files.delete(name)
    }
    try files.write(name, state)
  }

  /// Deletes the state of a TPM that a restore wrote; another's that came to its place stays.
  func discardTPM(_ tpm: Partial.RestoredTPM) throws {
    let (directory, name) = Paths.split(tpm.path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    guard try files.contains(name),
      try files.read(name, offset: 0, length: Context.longestState)
        == context.stateOfTPM(in: tpm.volume)
    else { return }
    try files.delete(name)
  }
}
