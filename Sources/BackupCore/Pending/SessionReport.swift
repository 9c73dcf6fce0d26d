// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An NBD session with its exports, as a client that wants to read them needs it.
package struct SessionReport: Sendable, Equatable {
  /// A disk that can be read.
  package struct Disk: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Name of its export.
    package var export: String
    /// Name of the bitmap, the meta context `qemu:dirty-bitmap:NAME`; nil where all counts.
    package var bitmap: String?
    /// Bytes it has.
    package var size: UInt64
    /// NBD URI by which the disk is read.
    package var uri: String

    /// Makes the description of a disk.
    package init(name: String, export: String, bitmap: String?, size: UInt64, uri: String) {
      self.name = name
      self.export = export
      self.bitmap = bitmap
      self.size = size
      self.uri = uri
    }
  }

  /// Name of the session.
  package var name: String
  /// Name of the domain.
  package var domain: String
  /// Name of what changes are counted from; nil for none.
  package var parent: String?
  /// The disks.
  package var disks: [Disk]

  /// Makes the description of a session.
  package init(name: String, domain: String, parent: String?, disks: [Disk]) {
    self.name = name
    self.domain = domain
    self.parent = parent
    self.disks = disks
  }
}
