// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Session {
  /// Takes a session down.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - keepsBitmap: Whether its bitmap stays as the base of the next, instead of its own base.
  /// - Returns: Whether its bitmap stays, which another client may have decided otherwise; nil where
  ///   another client has ended it.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the next command goes on.
  @discardableResult
  func endSession(_ pending: Catalog.Pending, keepsBitmap: Bool) throws -> Bool? {
    let partial = pending.partial
    guard let session = partial.session,
      let keepsBitmap = try decide(pending, keepsBitmap: keepsBitmap)
    else { return nil }
    if partial.helper != nil {
      try hypervisor.endHelper(of: partial)
    } else if let guest = try hypervisor.guest(uuid: partial.domainUUID) {
      try context.letGo(of: partial, guest)
      try context.takeDown(partial, guest: guest)
    }
    if session.stored == nil { try dropBitmap(of: pending, session, keepsOwn: keepsBitmap) }
    if try journal.isUnderWay(pending) { try context.deleteScratch(of: partial) }
    if try journal.isUnderWay(pending) { try repository.delete(pending.volume) }
    try repository.delete(pending.mark)
    return keepsBitmap
  }

  /// Drops the bitmap that is not needed any more: the session's own, or that of the session it was
  /// based on.
  ///
  /// A later session of the name, whose bitmap has the same, cannot begin before this one's partial is
  /// gone: that is asked when the bitmaps are listed.
  private func dropBitmap(
    of pending: Catalog.Pending, _ session: Partial.Session, keepsOwn: Bool
  ) throws {
    let partial = pending.partial
    guard let name = keepsOwn ? session.parent : partial.pointName else { return }
    let disks = session.disks.map(\.disk.name)
    do {
      var failure: (any Error)?
      _ = try removeSessionBitmaps(of: partial.domainUUID, disks: disks) {
        guard $0.session == name, disks.contains($0.disk) else { return false }
        do {
          return try journal.isUnderWay(pending)
        } catch {
          failure = error
          return false
        }
      }
      if let failure { throw failure }
    } catch {
      guard try hypervisor.guest(uuid: partial.domainUUID) == nil else { throw error }
      // It does no harm there: its name says what it is of.
      observer.notice("the record of changes since '\(name)' stays in the images: \(error)")
    }
  }

  /// Whether the guest's QEMU has our nodes and no export yet: its client was still at it.
  private func isSettingUp(_ partial: Partial, _ guest: any Guest) throws -> Bool {
    try !guest.monitor.exports().contains { partial.id.owns($0.id) }
      && guest.monitor.blockNodes().contains { partial.id.owns($0.nodeName) }
  }

  /// Whether the QEMU of a session that is not served has something of it.
  private func isHalfOpen(_ partial: Partial) throws -> Bool {
    guard let guest = try context.guest(of: partial) else { return false }
    return try partial.helper != nil || isSettingUp(partial, guest)
      || guest.monitor.exports().contains { partial.id.owns($0.id) }
  }

  /// Finishes or undoes a session whose client is gone; one that is served is left alone.
  ///
  /// The session's QEMU is looked at after its client, which may have come to the end in between, and
  /// before the mark: whoever ends it makes the mark before the first export goes.
  ///
  /// - Parameters:
  ///   - pending: The session.
  ///   - session: What was written down of it.
  ///   - endsLost: Whether one whose QEMU has ended is ended too.
  /// - Returns: What became of it.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the next command goes on.
  func settleSession(
    _ pending: Catalog.Pending, _ session: Partial.Session, endsLost: Bool
  ) throws -> Settlement {
    func isServed() throws -> Bool {
      guard let guest = try context.guest(of: pending.partial) else { return false }
      return try exports(of: pending.partial, session, in: guest) != nil
    }
    func end(keepsBitmap: Bool) throws -> Settlement {
      try endSession(pending, keepsBitmap: keepsBitmap) == false ? .undone : .finished
    }
    if try isServed(), try decision(on: pending) == nil { return .running }
    guard try journal.isAbandoned(pending) else {
      return try decision(on: pending) == nil ? context.leaveRunning(pending) : .running
    }
    let isServedNow = try isServed()
    // One that was never served is nobody's; of one that was, its owner shall see the end.
    let isNobodys = try endsLost || isHalfOpen(pending.partial)
    if let keepsBitmap = try decision(on: pending) { return try end(keepsBitmap: keepsBitmap) }
    if isServedNow { return .running }
    return isNobodys ? try end(keepsBitmap: false) : .lost
  }

  /// The exports of a session, in the order of its disks; nil where one is missing.
  private func exports(
    of partial: Partial, _ session: Partial.Session, in guest: any Guest
  ) throws -> [BlockExportInfo]? {
    let all = try guest.monitor.exports().filter { !$0.isShuttingDown }
    let found = session.disks.indices.compactMap { number in
      let id = NodeNames(operation: partial.uuid, disk: number).export(port: nil)
      return all.first { $0.id == id || $0.id.hasPrefix("\(id).") }
    }
    return found.count == session.disks.count ? found : nil
  }

  /// What can be read of a session; nil when it is not served.
  func report(
    of partial: Partial, _ session: Partial.Session, guest: (any Guest)?
  ) throws -> SessionReport? {
    guard let guest, let exports = try exports(of: partial, session, in: guest) else { return nil }
    let server = try resolved(
      session.server, operation: partial.uuid, in: guest.monitor,
      port: exports.lazy.compactMap { NodeNames.port(ofExport: $0.id) }.first)
    let nodes = try guest.monitor.blockNodes().byName
    return SessionReport(
      name: partial.pointName, domain: partial.domainName, parent: session.parent,
      disks: zip(session.disks, exports).map { disk, export in
        let node = nodes[export.nodeName]
        let hasBitmap = node?.dirtyBitmaps?.contains { $0.name == disk.exportBitmap } ?? false
        return SessionReport.Disk(
          name: disk.disk.name, export: disk.export, bitmap: hasBitmap ? disk.exportBitmap : nil,
          size: node?.image.virtualSize ?? 0, uri: server.uri(export: disk.export))
      })
  }
}
