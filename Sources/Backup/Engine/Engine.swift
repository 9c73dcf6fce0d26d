// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore

/// The one engine behind all commands: it makes, restores and deletes points of one pool.
///
/// Every operation is first written down in the pool, then done in steps that may be repeated, so
/// that any client can finish or undo what another left (`settle`).
package final class Engine {
  let context: Context

  /// Makes an engine for one pool of one host.
  package init(
    repository: any Repository, hypervisor: any Hypervisor, observer: any Observer,
    process: ClientProcess
  ) {
    context = Context(
      repository: repository, hypervisor: hypervisor, observer: observer, process: process)
  }

  /// The journal of what is under way in the pool.
  var journal: Journal { context.journal }

  /// Name of the pool.
  package var poolName: String { context.repository.name }

  /// Reads the pool.
  ///
  /// - Parameter refresh: Whether the pool looks what others put into it.
  /// - Returns: What is in it.
  /// - Throws: What libvirt throws.
  package func catalog(refresh: Bool = false) throws -> Catalog {
    try context.pool.catalog(refresh: refresh)
  }
}
