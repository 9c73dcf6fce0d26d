// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// What a point has beside the disks: the NVRAM, which QEMU copies as it copies disks, and the state
/// of the TPM, some kilobytes that only libvirt's storage reaches.
extension Engine {
  /// The longest state of a TPM; libtpms has some tens of kilobytes.
  private static let longestState: UInt64 = 1 << 20

  // MARK: - What there is to save

  /// The state of a running domain, whose QEMU has these nodes and devices.
  func stateSources(
    of definition: DomainDefinition, nodes: [BlockNode], devices: [BlockInfo]
  ) -> StateSources {
    var sources = StateSources()
    if definition.nvram != nil {
      let device = devices.first { $0.qdev.hasSuffix(".flash1") == true }
      if let node = device?.inserted.flatMap({ nodes.byName[$0.nodeName] }) {
        sources.nvram = .init(node: node.nodeName, capacity: node.image.virtualSize)
      } else {
        sources.unsaved.append("the NVRAM is not saved: QEMU has no flash device for it")
      }
    }
    findTPM(of: definition, isRunning: true, into: &sources)
    return sources
  }

  /// The state of a domain that is shut off, but for its NVRAM, which a helper domain has to open.
  ///
  /// - Returns: The state, and the disk of that helper; nil where there is no NVRAM.
  func stateSources(
    of definition: DomainDefinition, text: String
  ) throws -> (sources: StateSources, nvram: HelperDisk?) {
    var sources = StateSources()
    findTPM(of: definition, isRunning: false, into: &sources)
    guard let nvram = definition.nvram else { return (sources, nil) }
    guard nvram.isFile, let path = hypervisor.nvramPath(of: text, definition) else {
      sources.unsaved.append("the NVRAM is not saved: libvirt does not say in which file it is")
      return (sources, nil)
    }
    // A domain that was never started may have none yet.
    guard isThere(path) else { return (sources, nil) }
    let image = DomainDefinition.Image(source: .file(path), format: nvram.format, index: nil)
    return (sources, (VolumeNames.nvramDisk, .init(chain: [image])))
  }

  private func findTPM(
    of definition: DomainDefinition, isRunning: Bool, into sources: inout StateSources
  ) {
    guard let tpm = definition.tpm else { return }
    guard let path = path(of: tpm, uuid: definition.uuid) else {
      sources.unsaved.append("the state of the TPM is not saved: libvirt does not say where it is")
      return
    }
    if isThere(path) {
      sources.tpm = .init(path: path)
    } else if isRunning {
      sources.unsaved.append("the state of the TPM is not saved: there is no '\(path)'")
    }
  }

  /// The file of a TPM's state; nil where that is not known.
  private func path(of tpm: DomainDefinition.TPM, uuid: String) -> String? {
    guard !tpm.hasSource, let directory = hypervisor.tpmDirectory(uuid: uuid) else { return nil }
    return "\(directory)/\(tpm.directoryName)/\(tpm.fileName)"
  }

  /// Whether there is such a file, in a directory that there may not be.
  func isThere(_ path: String) -> Bool {
    if hypervisor.isTaken(path) { return true }
    let (directory, name) = RestorePlan.split(path)
    // A pool outlives its directory.
    guard let files = try? hypervisor.repository(directory: directory),
      (try? files.refresh()) != nil
    else { return false }
    return (try? files.contains(name)) == true
  }

  // MARK: - Saving

  /// Finds the state of a TPM where it is in use.
  ///
  /// - Returns: What reads it, which takes no time that a guest could not wait.
  func reader(of tpm: StateSources.TPM) throws -> () throws -> [UInt8] {
    let (directory, name) = RestorePlan.split(tpm.path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    return { try files.read(name, offset: 0, length: Engine.longestState) }
  }

  /// Writes the state of a TPM into the volume of a point.
  func write(_ state: [UInt8]?, of manifest: Manifest) throws {
    guard let state, let tpm = manifest.tpm else { return }
    try repository.write(tpm.volume.name, state)
  }

  /// The state of a TPM in a volume.
  func stateOfTPM(in volume: String) throws -> [UInt8] {
    try repository.read(volume, offset: 0, length: Engine.longestState)
  }

  // MARK: - Restoring

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
        path: old.flatMap { isThere($0) ? $0 : nil }, isKept: options.keepsOld)
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
    let (directory, name) = RestorePlan.split(wanted)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    let stem = name.hasSuffix(".fd") ? String(name.dropLast(3)) : name
    var path = wanted
    var number = 2
    while try path == old || hypervisor.isTaken(path)
      || files.contains(RestorePlan.split(path).name)
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
      let path = path(of: tpm, uuid: definition.uuid)
    else { return nil }
    if existing == nil, isThere(path) {
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
    let (directory, name) = RestorePlan.split(tpm.path)
    let state = try stateOfTPM(in: tpm.volume)
    try hypervisor.makeDirectory(directory)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    if try files.contains(name) {
      let old = try files.read(name, offset: 0, length: Engine.longestState)
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
    let (directory, name) = RestorePlan.split(tpm.path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    guard try files.contains(name),
      try files.read(name, offset: 0, length: Engine.longestState) == stateOfTPM(in: tpm.volume)
    else { return }
    try files.delete(name)
  }
}
