// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore as a value: which volumes are read, which files are made, what is defined.
struct RestorePlan: Sendable, Equatable {
  /// A disk of the plan, or the NVRAM, which is copied as a disk is.
  struct Disk: Sendable, Equatable {
    /// The disk as the point has it.
    var stored: Manifest.Disk
    /// The volumes it is made of, its own first.
    var chain: [Manifest.Disk]
    /// Names of what is made for it in QEMU.
    var names: NodeNames
    /// Absolute path of the file.
    var path: String
    /// Ending of the file's name until its data is whole; nil where it has its own from the start.
    var suffix: String?
    /// True where `path` is a block device: no file is made.
    var isDevice = false
    /// Its format.
    var format: String
    /// True where the recorded definition has this path and format anyway: it need not change.
    var isAsDefined: Bool
    /// The image that a domain which exists has there now; nil where no such domain gets the disk.
    var replaced: Partial.ReplacedImage?

    /// True for the NVRAM.
    var isNVRAM: Bool { stored.name == VolumeNames.nvramDisk }
    /// Absolute path of the file until its data is whole.
    var temporaryPath: String { path + (suffix ?? "") }
    /// Directory of the file.
    var directory: String { Paths.split(path).directory }
    /// Name of the disk, or of the NVRAM, in messages.
    var title: String { isNVRAM ? "the NVRAM" : "disk '\(stored.name)'" }
    /// Name of the file in it.
    var fileName: String { Paths.split(path).name }
  }

  /// The operation's UUID.
  var operation: String
  /// The point.
  var point: Point
  /// The domain that is to get the disks; nil where there is none.
  var existing: OverwrittenDomain?
  /// True where the user named the disks (`--diskspec`): a domain that exists keeps its definition
  /// then, and no state but that of disks is restored.
  var isSelection: Bool
  /// The state in which the domain is left in the end.
  var start: RestoreOptions.Start
  /// Everything that is copied: the disks in the point's order, then the NVRAM.
  var disks: [Disk]
  /// The definition for `virDomainDefineXML`; nil where nothing is defined.
  var definition: String?
  /// The place for the state of the TPM; nil where none is restored.
  var tpm: Partial.RestoredTPM?

  /// Names of the volumes that are read.
  var volumes: [String] {
    disks.flatMap(\.chain).map(\.volume.name) + [tpm?.volume].compactMap(\.self)
  }
  /// The disks of the domain.
  var images: [Disk] { disks.filter { !$0.isNVRAM } }
  /// The NVRAM; nil where none is restored.
  var nvram: Disk? { disks.first(where: \.isNVRAM) }

  /// Describes the restore for its partial, which is written before anything is made.
  ///
  /// - Parameter isAsync: Whether it goes on without its client, which then does not remember what the
  ///   domain was.
  /// - Returns: The operation's part of the partial.
  func document(isAsync: Bool) -> Partial.Restore {
    .init(
      point: point.manifest.uuid,
      disks: disks.map {
        .init(
          name: $0.stored.name, temporaryPath: $0.temporaryPath, path: $0.path,
          isDevice: $0.isDevice, replaced: $0.replaced)
      }, definition: definition, isStarted: start != .none, isPaused: start == .paused, tpm: tpm,
      isAsync: isAsync,
      replacedDefinition: isAsync ? existing.map { StableHash.hex($0.text) } : nil)
  }

  /// Lines for the user about what only a domain that is defined could have.
  private var notDefined: [String] {
    let manifest = point.manifest
    return [("the NVRAM", manifest.nvram), ("the state of the TPM", manifest.tpm)].compactMap {
      state, saved in
      saved.map { "\(state) is not restored without a domain: it is volume '\($0.volume.name)'" }
    }
  }

  /// Lines for the user, one for each disk or state of the domain that is not restored.
  var missing: [String] {
    guard !isSelection else { return [] }
    guard let definition else { return notDefined }
    guard let parsed = try? DomainDefinition(parsing: definition) else { return [] }
    let restored = Set(images.map(\.stored.name))
    let left = parsed.disks.filter {
      !restored.contains($0.target) && $0.device == "disk" && !$0.isReadOnly
    }
    let manifest = point.manifest
    let states = [
      ("the NVRAM", parsed.nvram != nil, manifest.nvram != nil, nvram != nil),
      ("the state of the TPM", parsed.tpm != nil, manifest.tpm != nil, tpm != nil),
    ].filter { _, isNeeded, _, isRestored in isNeeded && !isRestored }
    return left.map { "disk '\($0.target)' is not in the backup: it is left as it is" }
      + states.map { state, _, isSaved, _ in
        isSaved
          ? "\(state) is not restored: libvirt does not say where it belongs"
          : "\(state) is not in the backup: it is left as it is"
      }
  }
}

extension RestorePlan.Disk {
  /// The disk as a definition has it.
  var restored: RestoredDefinition.Disk {
    .init(
      target: stored.name, source: isDevice ? .block(path) : .file(path), format: format)
  }

  /// The block device as QEMU opens it and, for qcow2, formats it; nil for a file.
  var device: TargetImage? {
    guard isDevice else { return nil }
    return TargetImage(
      isDevice: true, capacity: stored.capacity, job: format == "qcow2" ? names.formatJob : nil)
  }
}
