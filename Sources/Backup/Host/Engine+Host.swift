// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Which operations are of this libvirt, and which of another that uses the same pool.
extension Engine {
  /// Whether an operation is of the libvirt that we are connected to.
  func isHere(_ partial: Partial) throws -> Bool {
    process.isHere(partial, try hypervisor.host())
  }
}

extension Engine.Process {
  /// Whether an operation is of a libvirt.
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
