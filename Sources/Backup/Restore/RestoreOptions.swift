// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore

/// A restore as the user asks for it.
package struct RestoreOptions: Sendable, Equatable {
  /// The choice of the domain that gets the restored disks, or of none.
  package enum Destination: Sendable, Equatable {
    /// The domain, which is gone, is defined again.
    case original
    /// A domain that exists gets the restored disks in place of its own, whose files stay where
    /// `keepsOld` says so; one that is gone is defined again.
    case over(keepsOld: Bool)
    /// A copy of that name is defined beside the original.
    case copy(name: String)
    /// The disks alone are restored, under names of their own for a copy that is to have that name;
    /// nil for the recorded ones.
    case disksOnly(name: String?)
  }

  /// The state in which a restore leaves the domain.
  package enum Start: Sendable, Equatable {
    /// The domain stays shut off.
    case none
    /// The domain is started, and its guest runs.
    case running
    /// The domain is started, and its guest waits until the user resumes it.
    case paused
  }

  /// A disk that the user names, with its place and format (`--diskspec`).
  package struct DiskRequest: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Absolute path of the file; nil for where the definition says.
    package var file: String?
    /// True where `file` is a block device, which exists: no file is made.
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

  /// The domain that gets the restored disks, or none.
  package var destination: Destination
  /// Directory the disks go to; nil for where the definition says.
  package var targetDirectory: String?
  /// Format of all disks; nil for what each had.
  package var format: String?
  /// Disks by name; empty for all.
  package var disks: [DiskRequest]
  /// The state in which the domain is left in the end.
  package var start: Start
  /// Bytes per second that all copies together may take; nil for no limit.
  package var bandwidth: UInt64?
  /// False for `--no-verify`: volumes are not compared with their checksums before anything is
  /// written, and faults that a comparison found before do not count.
  package var isVerified = true

  /// Makes the options.
  package init(
    _ destination: Destination = .original, targetDirectory: String? = nil, format: String? = nil,
    disks: [DiskRequest] = [], start: Start = .none, bandwidth: UInt64? = nil
  ) {
    self.destination = destination
    self.targetDirectory = targetDirectory
    self.format = format
    self.disks = disks
    self.start = start
    self.bandwidth = bandwidth
  }

  /// False for `--no-define`: the disks alone are restored.
  package var isDefined: Bool {
    if case .disksOnly = destination { false } else { true }
  }

  /// Name of a copy beside the original, whether it is defined or not; nil for the domain itself.
  package var newName: String? {
    switch destination {
    case .original, .over: nil
    case .copy(let name): name
    case .disksOnly(let name): name
    }
  }

  /// True for `--overwrite`: a domain that exists gets the restored disks in place of its own.
  var isOverwriting: Bool {
    if case .over = destination { true } else { false }
  }

  /// True for `--keep-old`: the files that a domain has now stay when it gets the restored ones.
  var keepsOld: Bool { destination == .over(keepsOld: true) }

  /// The disks that the user gave a file or device.
  var placed: Set<String> { Set(disks.filter { $0.file != nil }.map(\.name)) }
}
