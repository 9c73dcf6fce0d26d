// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A restore is decided from this, which is asked before anything is decided.
struct RestoreSituation {
  /// The point.
  var point: Point
  /// The pool.
  var catalog: Catalog
  /// Name of the pool.
  var poolName: String
  /// False where others than its owner can write to the pool.
  var isTrusted: Bool
  /// UUID that the operation will have.
  var operation: String
  /// UUID that a copy beside the original will have.
  var copyUUID: String
  /// The domain that is to get the disks; nil where there is none.
  var existing: OverwrittenDomain?
  /// Emulators that a definition from a pool which others can write to may name.
  var emulators: Set<String>
  /// The host, which answers questions about its files and directories.
  var places: any RestorePlaces
}

/// A domain that exists and is to get restored disks.
struct OverwrittenDomain: Sendable, Equatable {
  /// Its name.
  var name: String
  /// Its persistent definition, as it is before.
  var text: String
  /// The same, read.
  var definition: DomainDefinition
  /// Its snapshots and checkpoints.
  var instants: [SavedInstant]
  /// The files and devices of its disks and its NVRAM, without links.
  var paths: Set<String>

  /// Refuses snapshots and checkpoints that have disks which are to be replaced.
  ///
  /// - Throws: ``BackupError`` that names one.
  func refuseInstants(of targets: [String]) throws {
    for target in targets {
      guard let instant = instants.first(where: { $0.has(target) }) else { continue }
      throw BackupError(
        .invalid,
        "Requested operation is not valid: \(instant.kind.rawValue) '\(instant.name)' of domain "
          + "'\(name)' has disk '\(target)', which would not go with it any more; "
          + "\(instant.kind.rawValue)-delete deletes it")
    }
  }
}

/// A host answers these questions of places, which come up only while places are chosen.
///
/// The questions change nothing, and have the same answers however often they are asked.
protocol RestorePlaces {
  /// Finds the directory of a pool.
  ///
  /// - Throws: ``BackupError`` where there is none, or none that is active and has a directory.
  func poolDirectory(name: String) throws -> String
  /// Tells that something is at a path, or that nothing can come there.
  ///
  /// - Throws: What libvirt throws where the directory cannot be looked at.
  func isTaken(_ path: String) throws -> Bool
  /// Tells that there is such a file, in a directory that there may not be.
  func isThere(_ path: String) -> Bool
  /// Gives a path without links.
  func resolved(_ path: String) -> String
  /// Finds where a definition has its NVRAM; nil where libvirt does not tell.
  func nvramPath(of text: String, _ definition: DomainDefinition) -> String?
  /// Finds the file of a TPM's state; nil where that is not known.
  func path(of tpm: DomainDefinition.TPM, uuid: String) -> String?
  /// Tells that files in a directory can be renamed from here.
  func canRename(in directory: String) -> Bool
}
