// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// The bitmaps that sessions leave in the images of a domain.
extension Session {
  /// Removes bitmaps of sessions from a domain's disks, whether it runs or not.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain; one that is gone has none.
  ///   - disks: The target names; nil for all.
  ///   - isRemoved: Which of the bitmaps.
  /// - Returns: The names of the sessions of those that were removed.
  /// - Throws: `QMPError` or what libvirt throws, where an image cannot be opened or written.
  func removeSessionBitmaps(
    of domainUUID: String, disks: [String]?, where isRemoved: (SessionBitmapName) -> Bool
  ) throws -> Set<String> {
    var sessions: Set<String> = []
    func remove(in monitor: any Monitor) throws {
      try monitor.removeBitmaps { (name: String) in
        guard let parsed = SessionBitmapName(parsing: name), isRemoved(parsed) else { return false }
        sessions.insert(parsed.session)
        return true
      }
    }
    if let guest = try hypervisor.guest(uuid: domainUUID) {
      try remove(in: guest.monitor)
      return sessions
    }
    guard let text = try hypervisor.inactiveDefinition(uuid: domainUUID) else { return [] }
    let definition = try DomainDefinition(parsing: text)
    let targets = definition.disks.filter {
      $0.device == "disk" && !$0.isReadOnly && $0.format == "qcow2"
        && (disks?.contains($0.target) ?? true)
    }.map(\.target)
    guard !targets.isEmpty else { return [] }
    let held = try HelperDomain.start(
      try HelperDomain.disks(targets, of: text), operation: process.newUUID(),
      domain: definition, isTrusted: true, in: context)
    defer { try? held.end() }
    let affected = held.disks.filter { $0.node.sessionBitmaps.contains(where: isRemoved) }
    try held.whileWritable(affected) { try remove(in: held.guest.monitor) }
    return sessions
  }
}
