// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// The domain and the disks that a restore has made, or will have.
package struct Restored: Sendable, Equatable {
  /// A disk of it.
  package struct Disk: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Absolute path of the file or block device that has the data.
    package var path: String
    /// The image that the domain had there before; nil where the restore was not over a domain.
    package var replaced: Partial.ReplacedImage?
  }

  /// Name of the domain.
  package var domain: String
  /// The disks, in the point's order.
  package var disks: [Disk]
}
