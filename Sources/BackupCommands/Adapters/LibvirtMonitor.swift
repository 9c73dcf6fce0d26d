// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt
import QMP

/// The monitor of a domain, through libvirt's passthrough.
final class LibvirtMonitor: Monitor {
  private let domain: Domain
  private let interrupt: Interrupt
  private var events: MonitorEventQueue?

  /// Makes the monitor of a running domain.
  ///
  /// - Parameters:
  ///   - domain: The domain.
  ///   - interrupt: What ends a wait early.
  init(_ domain: Domain, interrupt: Interrupt) {
    self.domain = domain
    self.interrupt = interrupt
  }

  /// Sends a line.
  ///
  /// The corresponding libvirt functions are `virDomainQemuMonitorCommand` and
  /// `virDomainQemuMonitorCommandWithFiles`.
  func send(_ line: String, descriptors: [Int32]) throws -> String {
    try domain.qemuMonitorCommand(line, descriptors: descriptors)
  }

  /// Waits for an event.
  ///
  /// Registration starts with the first wait: an event missed before it costs nothing, since the
  /// engine asks for the state after each wait.
  func nextEvent(timeoutMilliseconds: Int) throws -> Event? {
    guard let queue = events else {
      // What happened before the registration is unknown: look at once.
      events = try domain.connection.monitorEvents(of: domain)
      return nil
    }
    let ready = waitUntilReadable(
      [queue.fileDescriptor, interrupt.fileDescriptor], timeoutMilliseconds: timeoutMilliseconds)
    guard ready.contains(queue.fileDescriptor), let event = queue.next(timeoutMilliseconds: 0)
    else { return nil }
    return Event(name: event.name, json: event.details)
  }
}
