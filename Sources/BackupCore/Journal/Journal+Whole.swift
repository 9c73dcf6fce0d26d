// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Journal {
  /// Marks the files of a restore as whole: everything is written and closed.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client ended it and deleted them.
  package func markWhole(_ pending: Catalog.Pending) throws {
    guard try isUnderWay(pending) else {
      throw BackupError(
        .busy, "another client ended the operation before it was complete; try again")
    }
    try synchronizeTargets(of: pending.partial)
    do {
      try repository.write(pending.mark, Array("done\n".utf8))
    } catch let error as BackupError where error.code == .exists {
      // Another client was faster.
    }
  }

  /// Has the names of files that were written outside of the pool reach the disk.
  package func synchronizeTargets(of partial: Partial) throws {
    for directory in Set(partial.writtenFiles.map { Paths.split($0).directory }) {
      try hypervisor.repository(directory: directory).synchronize([])
    }
  }
}
