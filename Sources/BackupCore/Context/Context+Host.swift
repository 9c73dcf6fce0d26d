// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// A pool can have operations of this libvirt and of others that use it.
extension Context {
  /// Tells that an operation is of the libvirt that we are connected to.
  package func isHere(_ partial: Partial) throws -> Bool {
    process.isHere(partial, try hypervisor.host())
  }
}

/// Operations ask the host for owners and files.
extension Context {
  /// Finds the owner of the images of a running domain.
  package func imageOwner(of definition: DomainDefinition) throws -> FileOwner? {
    try definition.imageOwner ?? hypervisor.imageOwner(ofDomainType: definition.type)
  }

  /// Throws an error on that concerns the whole command and not the one thing it came from: the user
  /// asked to stop, or libvirt does not answer any more.
  package func rethrowUnlessLocal(_ error: any Error) throws {
    if observer.isInterrupted { throw error }
    if let error = error as? BackupError, error.code == .interrupted { throw error }
    // Any question shows it: there is no such domain.
    _ = try hypervisor.domainName(uuid: process.newUUID())
  }

  /// Deletes a file through the pool of its directory; a missing one is fine.
  package func delete(_ path: String) throws {
    let (directory, name) = Paths.split(path)
    let files = try hypervisor.repository(directory: directory)
    try files.look()
    try files.delete(name)
  }

  /// Has the pool of a directory, if libvirt can look at it, know files that have new names.
  package func showFiles(in directory: String) throws {
    do {
      try hypervisor.repository(directory: directory).refresh()
    } catch {
      try rethrowUnlessLocal(error)
    }
  }
}

extension Context.Process {
  /// Tells that an operation is of a libvirt.
  ///
  /// - Parameters:
  ///   - partial: The operation.
  ///   - host: The libvirt that is asked now.
  /// - Returns: False where it may be of another.
  package func isHere(_ partial: Partial, _ host: HostIdentity) -> Bool {
    var sharesProcesses: Bool?
    if let theirs = partial.owner.pidNamespace, let ours = owner.pidNamespace {
      sharesProcesses = theirs == ours
    }
    return partial.host.isSame(
      as: host, sharesProcesses: sharesProcesses,
      precedesBoot: bootTime.map { partial.creationTime < $0 })
  }
}

extension DomainDefinition {
  /// The SELinux label of what the domain's QEMU may write.
  package var imageLabel: String? { securityLabels.first { $0.model == "selinux" }?.imageLabel }
}
