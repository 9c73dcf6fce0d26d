// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore

/// What a user asks of a restore.
package struct RestoreOptions: Sendable, Equatable {
  /// What a user says about one disk.
  package struct DiskRequest: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Absolute path of the file; nil for where the definition says.
    package var file: String?
    /// Whether that is a block device, which is there.
    package var isDevice: Bool
    /// `qcow2` or `raw`; nil for what the disk had.
    package var format: String?

    /// Makes a request.
    package init(
      name: String, file: String? = nil, isDevice: Bool = false, format: String? = nil
    ) {
      self.name = name
      self.file = file
      self.isDevice = isDevice
      self.format = format
    }
  }

  /// Name of a copy beside the original; nil restores the domain itself.
  package var newName: String?
  /// Directory the disks go to; nil for where the definition says.
  package var targetDirectory: String?
  /// Format of all disks; nil for what each had.
  package var format: String?
  /// Disks by name; empty for all.
  package var disks: [DiskRequest]
  /// Whether a domain that exists gets the restored disks in place of its own.
  package var isOverwriting: Bool
  /// Whether the files it has now stay.
  package var keepsOld: Bool
  /// Whether the domain is defined in the end.
  package var isDefined: Bool
  /// Whether the domain is started in the end.
  package var isStarted: Bool
  /// Whether it is started paused.
  package var isPaused: Bool
  /// Bytes per second that all copies together may take; nil for no limit.
  package var bandwidth: UInt64?

  /// Makes the options.
  package init(
    newName: String? = nil, targetDirectory: String? = nil, format: String? = nil,
    disks: [DiskRequest] = [], isOverwriting: Bool = false, keepsOld: Bool = false,
    isDefined: Bool = true, isStarted: Bool = false,
    isPaused: Bool = false, bandwidth: UInt64? = nil
  ) {
    self.newName = newName
    self.targetDirectory = targetDirectory
    self.format = format
    self.disks = disks
    self.isOverwriting = isOverwriting
    self.keepsOld = keepsOld
    self.isDefined = isDefined
    self.isStarted = isStarted
    self.isPaused = isPaused
    self.bandwidth = bandwidth
  }
}
