// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Hypervisor {
  /// Finds the owner of the images of a running domain.
  ///
  /// - Parameter definition: The live definition.
  /// - Returns: The owner; nil where libvirt does not tell.
  /// - Throws: What libvirt throws.
  package func imageOwner(of definition: DomainDefinition) throws -> FileOwner? {
    try definition.imageOwner ?? imageOwner(ofDomainType: definition.type)
  }

  /// Deletes a file through the pool of its directory; a missing one is fine.
  ///
  /// - Parameter path: The file.
  /// - Throws: What libvirt throws.
  package func delete(_ path: String) throws {
    let (directory, name) = Paths.split(path)
    let files = try repository(directory: directory)
    try files.look()
    try files.delete(name)
  }
}

extension DomainDefinition {
  /// The SELinux label of what the domain's QEMU may write.
  package var imageLabel: String? { securityLabels.first { $0.model == "selinux" }?.imageLabel }
}
