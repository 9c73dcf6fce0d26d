// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension LiveRestore {
  /// Images that may come to those of the backup: the domain's own, and one for a job's filter.
  private static let ownImages = 2

  /// Refuses backups whose chains are too long for a domain of libvirt's to have.
  ///
  /// How long they may be depends on what libvirt reads JSON with, which it does not tell: a helper
  /// domain shows it.
  ///
  /// - Parameters:
  ///   - plan: The live restore.
  ///   - domain: The domain it would define.
  /// - Throws: ``BackupError`` that says what helps.
  func refuseUnstartable(_ plan: RestorePlan, domain: DomainDefinition) throws {
    let long = plan.images.filter { $0.chain.count > ChainLength.anywhere }
    guard let longest = long.max(by: { $0.chain.count < $1.chain.count }) else { return }
    let disks = long.map { disk -> HelperDomain.Disk in
      let images = disk.chain.map {
        DomainDefinition.Image(
          source: .file(repository.path(of: $0.volume.name)), format: "qcow2", index: nil)
      }
      // Any image does for those that are not there yet.
      let own = Array(repeating: images[0], count: Self.ownImages)
      return (disk.stored.name, .init(nested: own + images))
    }
    do {
      try HelperDomain.start(disks, operation: process.newUUID(), domain: domain, in: context).end()
    } catch {
      try observer.stopIfInterrupted()
      throw BackupError(
        .invalid,
        "unsupported configuration: disk '\(longest.stored.name)' is made of "
          + "\(longest.chain.count) backups, and no domain can be started here on so many (\(error)); "
          + "restore it without --live, or shorten the chain with backup-delete, which merges")
    }
  }
}
