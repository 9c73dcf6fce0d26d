// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An operation makes, restores or deletes points, or serves what it froze.
///
/// An operation knows its own steps and the core, and no other operation. The one exception is a
/// live restore, which is a restore.
package protocol Operation {
  /// The pool, the host and the client.
  var context: Context { get }
}

extension Operation {
  /// The pool.
  package var repository: any Repository { context.repository }
  /// The host.
  package var hypervisor: any Hypervisor { context.hypervisor }
  /// The one who hears what is done.
  package var observer: any Observer { context.observer }
  /// The client.
  package var process: ClientProcess { context.process }
  /// The journal of what is under way in the pool.
  package var journal: Journal { context.journal }

  /// Reads the pool.
  ///
  /// The corresponding method is ``PoolReader/catalog(refresh:)``.
  package func catalog(refresh: Bool = false) throws -> Catalog {
    try context.pool.catalog(refresh: refresh)
  }
}
