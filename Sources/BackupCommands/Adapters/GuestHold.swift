// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Glibc
import Libvirt
import QMP

/// A guest that is held still for an instant, and let go again although libvirt's daemon may die
/// meanwhile.
final class GuestHold {
  /// How long libvirt is asked again and again to let the guest go.
  private static let persistence = Duration.seconds(60)

  private var domain: Domain
  private let reconnect: () throws -> Domain
  private let interrupt = Interrupt()
  /// Whether we stopped the processors.
  private var hasStopped = false
  /// Whether that is not known: the connection was lost when we did.
  private var isUncertain = false
  /// Where the domain stood when it was held.
  private var held: (state: Domain.State, reason: Int)?
  /// The node that is marked as long as file systems may be frozen by us.
  private var mark: String?

  /// Prepares for a running domain.
  ///
  /// - Parameters:
  ///   - domain: The domain.
  ///   - reconnect: Finds it on a new connection.
  init(_ domain: Domain, reconnect: @escaping () throws -> Domain) {
    self.domain = domain
    self.reconnect = reconnect
  }

  /// Holds the guest.
  ///
  /// Its file systems are frozen before it is suspended, and thawed after it runs again: its agent
  /// answers only while it runs.
  ///
  /// - Parameters:
  ///   - isSuspended: Whether to stop its processors, unless they stand still.
  ///   - frozenMark: Node to be marked while file systems are frozen; nil for not to freeze.
  /// - Throws: What libvirt throws; the guest must be let go then too.
  func hold(isSuspended: Bool, frozenMark: String?) throws {
    if let frozenMark { try freeze(marking: frozenMark) }
    guard isSuspended else { return }
    if try domain.standstill == .none {
      (hasStopped, isUncertain) = (true, true)
      // Not `virDomainSuspend`, whose doing looks like that of anybody else's.
      try monitor.execute(.stop)
      isUncertain = false
      // Somebody may have been faster.
      hasStopped = try domain.standstill == .ours
    }
    let state = try domain.state
    guard try domain.standstill != .none else { throw BackupError.movedOn }
    held = state
  }

  private func freeze(marking node: String) throws {
    let agent = GuestAgent(domain: domain)
    guard try !agent.isFrozen() else { throw BackupError.alreadyFrozen }
    try monitor.execute(.markAdd(node: node, name: NodeNames.frozenMark))
    mark = node
    do {
      try agent.freeze()
    } catch let error as LibvirtError where !error.isOfSilentAgent {
      // An agent that refuses has frozen nothing, and might be asked to by others.
      try? removeMark()
      throw error
    }
  }

  private func removeMark() throws {
    guard let node = mark else { return }
    mark = nil
    try monitor.execute(.bitmapRemove(node: node, name: NodeNames.frozenMark))
  }

  /// Lets the guest go, if need be on a new connection and for a minute.
  ///
  /// - Returns: Whether it stood still until now.
  func letGo() -> Bool {
    var stood = true
    let end = ContinuousClock.now + GuestHold.persistence
    while true {
      do {
        try resume(&stood)
        try thaw()
        return stood
      } catch let error as LibvirtError where [.noDomain, .operationInvalid].contains(error.code) {
        // It has ended, or somebody stopped it for good.
        if (try? domain.isActive) != true { return false }
      } catch {
        // There may be a daemon again soon, or an agent that answers.
      }
      guard ContinuousClock.now < end else { return false }
      usleep(100_000)
      if (try? domain.connection.isAlive) != true, let found = try? reconnect() { domain = found }
    }
  }

  private func resume(_ stood: inout Bool) throws {
    guard held != nil || hasStopped else { return }
    let state = try domain.state
    if let held, state != held { stood = false }
    if hasStopped,
      try domain.standstill == .ours || (isUncertain && state.state == .paused)
    {
      try domain.resume()
    }
    (held, hasStopped, isUncertain) = (nil, false, false)
  }

  private func thaw() throws {
    guard mark != nil else { return }
    try GuestAgent(domain: domain).thaw()
    try? removeMark()
  }

  private var monitor: LibvirtMonitor { LibvirtMonitor(domain, interrupt: interrupt) }
}

extension Domain {
  /// Libvirt's number of no reason (`VIR_DOMAIN_PAUSED_UNKNOWN`).
  private static let unknownReason = 0

  /// Whether its processors run, and else who stopped them.
  var standstill: Standstill {
    get throws {
      switch try state {
      case (.running, _), (.blocked, _), (.noState, _): .none
      case (.paused, Domain.unknownReason): .ours
      default: .others
      }
    }
  }
}
