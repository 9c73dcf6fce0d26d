// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// What a user asks of a backup.
package struct CreateOptions: Sendable, Equatable {
  /// What a user says about one disk.
  package struct DiskRequest: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// `backup=no` makes it false.
    package var isIncluded: Bool
    /// `backupmode=full`.
    package var isFull: Bool
    /// `backupmode=incremental`: fail instead of falling back to a full.
    package var isIncremental: Bool
    /// `incremental=NAME`: the point it is to stand on.
    package var parent: String?
    /// Where its copy goes; nil for a volume in the pool.
    package var target: CopyTarget?

    /// Makes a request.
    package init(
      name: String, isIncluded: Bool = true, isFull: Bool = false, isIncremental: Bool = false,
      parent: String? = nil
    ) {
      self.name = name
      self.isIncluded = isIncluded
      self.isFull = isFull
      self.isIncremental = isIncremental
      self.parent = parent
    }
  }

  /// Name of the point; nil for the time.
  package var name: String?
  /// What the user writes about it.
  package var description: String?
  /// All disks full.
  package var isFull: Bool
  /// Fail instead of falling back to a full.
  package var isIncremental: Bool
  /// Name or UUID of the point to stand on; nil for the newest of each disk.
  package var parent: String?
  /// Disks by name; empty for all.
  package var disks: [DiskRequest]
  /// Freeze the guest's file systems around the start.
  package var isQuiesced: Bool
  /// Bytes per second that all copies together may take; nil for no limit.
  package var bandwidth: UInt64?
  /// Directory of a pool for what the guest overwrites meanwhile; nil for the pool of the backup.
  package var scratchDirectory: String?
  /// The document that describes the backup; nil for none.
  package var document: BackupDefinition?
  /// Whether disks that are encrypted may be copied to images that are not.
  package var allowsPlaintext: Bool
  /// How the volumes are compressed; nil for not at all.
  package var compression: Qcow2Compression?
  /// How far the guest's writes may depend on where the data goes.
  package var protection: Protection

  /// Makes the options.
  package init(
    name: String? = nil, description: String? = nil, isFull: Bool = false,
    isIncremental: Bool = false, parent: String? = nil, disks: [DiskRequest] = [],
    isQuiesced: Bool = false, bandwidth: UInt64? = nil, scratchDirectory: String? = nil,
    document: BackupDefinition? = nil, allowsPlaintext: Bool = false,
    compression: Qcow2Compression? = nil, protection: Protection = .automatic
  ) {
    self.name = name
    self.description = description
    self.isFull = isFull
    self.isIncremental = isIncremental
    self.parent = parent
    self.disks = disks
    self.isQuiesced = isQuiesced
    self.bandwidth = bandwidth
    self.scratchDirectory = scratchDirectory
    self.document = document
    self.allowsPlaintext = allowsPlaintext
    self.compression = compression
    self.protection = protection
  }
}
