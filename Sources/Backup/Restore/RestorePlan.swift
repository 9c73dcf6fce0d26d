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
    /// What the point says about it.
    var stored: Manifest.Disk
    /// The volumes it is made of, its own first.
    var chain: [Manifest.Disk]
    /// Names of what is made for it in QEMU.
    var names: NodeNames
    /// Absolute path of the file.
    var path: String
    /// Ending of the file's name until its data is whole; nil where it has its own from the start.
    var suffix: String?
    /// Whether it is a block device.
    var isDevice = false
    /// Its format.
    var format: String
    /// Whether path and format are what the definition says anyway.
    var isAsDefined: Bool
    /// What a domain that exists has there now; nil where there is none.
    var replaced: Partial.ReplacedImage?

    /// Whether it is the NVRAM.
    var isNVRAM: Bool { stored.name == VolumeNames.nvramDisk }
    /// Absolute path of the file until its data is whole.
    var temporaryPath: String { path + (suffix ?? "") }
    /// Directory of the file.
    var directory: String { Paths.split(path).directory }
    /// What it is, for people.
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
  /// Whether the user named the disks: a domain that exists keeps its definition then, and no state
  /// but that of disks is restored.
  var isSelection: Bool
  /// What is done with the domain in the end.
  var start: RestoreOptions.Start
  /// Everything that is copied: the disks in the point's order, then the NVRAM.
  var disks: [Disk]
  /// What will be defined; nil where nothing is.
  var definition: String?
  /// Where the state of the TPM goes; nil where none is restored.
  var tpm: Partial.RestoredTPM?

  /// Names of the volumes that are read.
  var volumes: [String] {
    disks.flatMap(\.chain).map(\.volume.name) + [tpm?.volume].compactMap(\.self)
  }
  /// The disks of the domain.
  var images: [Disk] { disks.filter { !$0.isNVRAM } }
  /// The NVRAM; nil where none is restored.
  var nvram: Disk? { disks.first(where: \.isNVRAM) }

  /// What is written down before anything is made.
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

  /// What the domain had and will not have again, a line each.
  var missing: [String] {
    guard !isSelection, let parsed = try? definition.map(DomainDefinition.init(parsing:)) else {
      return []
    }
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

  /// What is to be known of a block device before it is written.
  var device: TargetImage? {
    guard isDevice else { return nil }
    return TargetImage(
      isDevice: true, capacity: stored.capacity, job: format == "qcow2" ? names.formatJob : nil)
  }
}
