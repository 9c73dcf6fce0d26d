// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt
import QMP

/// A running domain of libvirt.
final class LibvirtGuest: Guest {
  let domain: Domain
  let interrupt: Interrupt
  let monitor: any Monitor
  /// Seconds that libvirt may take to see the end of a QEMU whose monitor it has lost.
  private static let endLimit: Int64 = 5
  /// Registered for with the first wait.
  var blockJobEvents: BlockJobEventQueue?

  /// Wraps a running domain.
  init(_ domain: Domain, interrupt: Interrupt) {
    self.domain = domain
    self.interrupt = interrupt
    monitor = LibvirtMonitor(domain, interrupt: interrupt)
  }

  func definition() throws -> String { try domain.xmlDescription(flags: [.secure]) }

  func inactiveDefinition() throws -> String? {
    try domain.isPersistent ? domain.xmlDescription(flags: [.secure, .inactive]) : nil
  }

  func standstill() throws -> Standstill { try domain.standstill }

  func resume() throws {
    guard try domain.state.state != .running else { return }
    try domain.resume()
  }

  func isFrozen() throws -> Bool { try GuestAgent(domain: domain).isFrozen() }

  func thaw() throws { try GuestAgent(domain: domain).thaw() }

  func information() throws -> (told: [String: String], isSilent: Bool) {
    GuestAgent(domain: domain).information(definition: try domain.xmlDescription())
  }

  func screenshot() throws -> [UInt8] { try domain.screenshot().image }

  func activeJob() throws -> String? {
    guard try domain.jobType != .none else { return nil }
    return switch try domain.jobOperation {
    case .unknown: "of an unknown kind"
    case .start: "start"
    case .save: "save"
    case .restore: "restore"
    case .migrationIn: "incoming migration"
    case .migrationOut: "outgoing migration"
    case .snapshot: "snapshot"
    case .snapshotRevert: "snapshot revert"
    case .dump: "dump"
    case .backup: "backup"
    case .snapshotDelete: "snapshot delete"
    }
  }

  func destroy() throws {
    _ = try unless(.operationInvalid, .noDomain) { try domain.destroy() }
  }

  func hasEnded() -> Bool {
    let start = ContinuousClock.now
    do {
      while ContinuousClock.now - start < .seconds(LibvirtGuest.endLimit) {
        guard try unless(.noDomain, look: { try domain.isActive }) == true else { return true }
        if (try? monitor.jobs()) != nil { return false }
        _ = try monitor.nextEvent(timeoutMilliseconds: 50)
      }
    } catch {
      // The connection is lost, and nobody tells.
    }
    return false
  }
}
