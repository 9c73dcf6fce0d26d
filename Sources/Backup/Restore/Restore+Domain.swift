// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The domain that a restore is for: which images it has, and its start.
extension Restore {
  /// Tells that the domain's definition has one of the new images: it got them all at once.
  ///
  /// A device that it had before tells nothing.
  func isSwitched(_ partial: Partial) throws -> Bool {
    try has(partial.restore?.disks ?? [], uuid: partial.domainUUID)
  }

  /// Tells that the persistent definition of a domain has one of these images.
  func has(_ disks: [Partial.RestoreDisk], uuid: String) throws -> Bool {
    guard let text = try hypervisor.inactiveDefinition(uuid: uuid) else { return false }
    let has = Set(
      try hypervisor.paths(of: try DomainDefinition(parsing: text)).map(hypervisor.resolved))
    return disks.contains {
      (!$0.isDevice || $0.replaced?.path != nil) && has.contains(hypervisor.resolved($0.path))
    }
  }

  /// Starts a domain that has its restored images, where that was asked for.
  ///
  /// A client that waits for its restore starts the domain itself.
  func startIfAsked(_ restore: Partial.Restore, uuid: String) {
    guard restore.isAsync, restore.isStarted else { return }
    do {
      guard try !hypervisor.isActive(uuid: uuid), try has(restore.disks, uuid: uuid) else { return }
      try hypervisor.start(uuid: uuid, paused: restore.isPaused)
    } catch {
      observer.notice("the domain could not be started: \(error)")
    }
  }
}
