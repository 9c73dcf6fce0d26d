// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Ends an NBD session.
  ///
  /// - Parameters:
  ///   - domainUUID: The domain.
  ///   - name: Name of the session; nil for the one there is.
  ///   - isFailed: Whether its reader did not get all: its bitmap is dropped then, and what it was
  ///     based on stays the base. Otherwise its bitmap stays as a base, and takes the place of that
  ///     of the session it was based on.
  ///   - forgets: Whether the bitmaps of all finished sessions are dropped too, or of the one that
  ///     is named and has finished.
  /// - Returns: The name of the session that was ended; nil where bitmaps alone were dropped.
  /// - Throws: ``BackupError`` with code `notFound` where there is none.
  package func finishSession(
    domainUUID: String, name: String?, isFailed: Bool, forgets: Bool
  ) throws -> String? {
    try settle(domainUUID: domainUUID, endsLostSessions: false)
    let host = try hypervisor.hostUUID()
    let active = try catalog().pending(of: domainUUID).filter {
      $0.partial.session != nil && $0.partial.hostUUID == host
    }
    let found = active.first { name == nil || $0.partial.pointName == name }
    if active.count > 1, name == nil {
      let names = active.map { "'\($0.partial.pointName)'" }.sorted().joined(separator: ", ")
      throw BackupError(
        .invalid, "the domain has several sessions (\(names)); --backupname says which")
    }
    if let found {
      try endSession(
        found, guest: try guest(of: found.partial), keepsBitmap: !isFailed && !forgets)
      if !forgets { return found.partial.pointName }
    } else if !forgets {
      throw BackupError(
        .notFound,
        name.map { "Domain backup not found: no NBD session with matching name '\($0)'" }
          ?? "Requested operation is not valid: no NBD session of the domain is active")
    }
    let forgotten = found == nil ? name : nil
    let count = try dropSessionBitmaps(domainUUID: domainUUID) {
      forgotten == nil || $0.session == forgotten
    }
    if found == nil, let forgotten, count == 0 {
      throw BackupError(
        .notFound, "Domain backup not found: no NBD session with matching name '\(forgotten)'")
    }
    return found?.partial.pointName
  }

  /// Removes bitmaps of finished sessions from a running domain.
  ///
  /// - Returns: How many there were.
  private func dropSessionBitmaps(
    domainUUID: String, where isDropped: (SessionBitmapName) -> Bool
  ) throws -> Int {
    guard let guest = try hypervisor.guest(uuid: domainUUID) else {
      throw BackupError(.invalid, "Requested operation is not valid: domain is not running")
    }
    var dropped: Set<String> = []
    try removeBitmaps(in: guest.monitor) { (name: String) in
      guard let parsed = SessionBitmapName(parsing: name), isDropped(parsed) else { return false }
      dropped.insert(name)
      return true
    }
    return dropped.count
  }

  /// Takes a session down.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - guest: The domain whose QEMU serves it; nil when that has ended.
  ///   - keepsBitmap: Whether its bitmap stays as the base of the next, instead of its own base.
  func endSession(
    _ pending: Catalog.Pending, guest: (any Guest)?, keepsBitmap: Bool
  ) throws {
    guard let session = pending.partial.session else { return }
    let mark = pending.volume + VolumeNames.doneSuffix
    // Whoever goes on for us must know which of the two bitmaps counts.
    if keepsBitmap, try !repository.contains(mark) {
      try repository.write(mark, Array("finished\n".utf8))
    }
    if let helper = pending.partial.helper {
      try hypervisor.guest(name: helper)?.destroy()
    } else if let guest {
      let (isSuspended, isFrozen) = pending.partial.holdsGuest
      if isSuspended, try isSettingUp(pending.partial, guest), try !guest.isRunning() {
        try guest.resume()
      }
      if isFrozen, try isSettingUp(pending.partial, guest) { try? guest.thaw() }
      try takeDown(pending.partial, guest: guest)
      let dropped = Set(
        session.disks.compactMap { keepsBitmap ? $0.baseBitmap : $0.bitmap }
          .filter { SessionBitmapName(parsing: $0) != nil })
      try removeBitmaps(in: guest.monitor) { (name: String) in dropped.contains(name) }
    }
    try deleteScratch(of: pending.partial)
    try repository.delete(pending.volume)
    try repository.delete(mark)
  }

  /// Whether the guest's QEMU has our nodes and no export yet: its client was still at it.
  private func isSettingUp(_ partial: Partial, _ guest: any Guest) throws -> Bool {
    let prefix = NodeNames.prefix(operation: partial.uuid)
    return try !guest.monitor.exports().contains { $0.id.hasPrefix(prefix) }
      && guest.monitor.blockNodes().contains { $0.nodeName.hasPrefix(prefix) }
  }

  /// Finishes or undoes a session whose client is gone; one that is served is left alone.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - session: What was written down of it.
  ///   - endsLost: Whether one whose QEMU has ended is ended too.
  /// - Returns: What became of it.
  func settleSession(
    _ pending: Catalog.Pending, _ session: Partial.Session, endsLost: Bool
  ) throws -> Settlement {
    let guest = try guest(of: pending.partial)
    if try repository.contains(pending.volume + VolumeNames.doneSuffix) {
      guard try isAbandoned(pending) else { return .running }
      try endSession(pending, guest: guest, keepsBitmap: true)
      return .finished
    }
    if let guest, try isServed(pending.partial, session, by: guest) { return .running }
    guard try isAbandoned(pending) else { return .running }
    guard endsLost else { return .lost }
    try endSession(pending, guest: guest, keepsBitmap: false)
    return .undone
  }

  /// Whether all disks of a session can be read.
  private func isServed(
    _ partial: Partial, _ session: Partial.Session, by guest: any Guest
  ) throws -> Bool {
    let prefix = NodeNames.prefix(operation: partial.uuid)
    let exports = try guest.monitor.exports().filter {
      $0.id.hasPrefix(prefix) && !$0.isShuttingDown
    }
    return exports.count == session.disks.count
  }

  /// What can be read of a session; nil when it is not served.
  func report(
    of partial: Partial, _ session: Partial.Session, guest: (any Guest)?
  ) throws -> SessionReport? {
    guard let guest, try isServed(partial, session, by: guest) else { return nil }
    let prefix = NodeNames.prefix(operation: partial.uuid)
    let ports = try guest.monitor.exports().filter { $0.id.hasPrefix(prefix) }
      .compactMap { NodeNames.port(ofExport: $0.id) }
    return SessionReport(partial, session, port: ports.first)
  }
}
