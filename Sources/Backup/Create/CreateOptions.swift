// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
package import DomainXML
package import QMP

/// What a user asks of a backup.
package struct CreateOptions: Sendable, Equatable {
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
  /// True for `--checksum`: checksums of the volumes are made once the point exists.
  package var hasChecksums = false

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

extension CreateOptions {
  /// The points that the user named as parents.
  var parents: [String] { [parent].compactMap(\.self) + disks.compactMap(\.parent) }

  /// Returns what a user asks of a disk, with what was asked of all disks.
  ///
  /// - Parameter request: What was said about the disk, which counts more.
  /// - Returns: What counts.
  func resolved(_ request: DiskRequest) -> DiskRequest {
    var resolved = request
    resolved.isFull =
      request.isFull || (isFull && !request.isIncremental && request.parent == nil)
    resolved.isIncremental = request.isIncremental || isIncremental
    resolved.parent = request.parent ?? parent
    return resolved
  }
}
