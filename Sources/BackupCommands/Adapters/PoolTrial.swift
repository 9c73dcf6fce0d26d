// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt

/// Finds out whether libvirt can look at a directory before a pool of the user's does so.
///
/// A refresh that fails stops the pool, and nothing starts it as long as the file is there. A pool of
/// our own on the same directory, under another spelling of its path, only is not made then.
enum PoolTrial {
  private static let prefix = "virsh-backup-look-"

  /// Whether a pool of that name was made for a look.
  static func isTrial(_ name: String) -> Bool { name.hasPrefix(prefix) }

  /// Refuses a directory that libvirt cannot look at as a whole.
  ///
  /// - Parameters:
  ///   - directory: The directory.
  ///   - pool: The pool that is about to look.
  /// - Throws: ``BackupError`` with libvirt's words, which name the file.
  static func refuseUnreadable(_ directory: String, of pool: StoragePool) throws {
    let path = directory == "/" ? "/." : directory + "/."
    let definition = try PoolDefinition(
      name: prefix + StableHash.hex(directory), directory: path
    ).xml()
    for isLast in [false, true] {
      do throws(LibvirtError) {
        let trial = try pool.connection.createStoragePool(xml: definition)
        // Another client may have taken it for one that a client left.
        try? trial.destroy()
        return
      } catch  where error.code == .operationFailed {
        // Another client looks, or died while it did.
        if isLast { return }
        try? pool.connection.storagePool(targetPath: path).destroy()
      } catch {
        _ = try pool.isActive
        throw BackupError(
          .failed,
          "storage pool '\(pool.name)' cannot be refreshed, since libvirt cannot look at all of it: "
            + "\(error.message)")
      }
    }
  }
}
