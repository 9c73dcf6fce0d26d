// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An event that a domain's QEMU sent through its monitor.
package struct MonitorEvent: Sendable, Equatable {
  /// QEMU's name of it (`JOB_STATUS_CHANGE`).
  package var name: String
  /// When it happened by the host's clock: seconds since 1970-01-01T00:00:00Z.
  package var seconds: Int64
  /// Microseconds to add.
  package var microseconds: UInt32
  /// The event's `data` as JSON text; nil where it has none.
  package var details: String?

  /// Makes an event.
  package init(name: String, seconds: Int64, microseconds: UInt32, details: String?) {
    self.name = name
    self.seconds = seconds
    self.microseconds = microseconds
    self.details = details
  }
}

/// Events of the monitor of a domain.
package typealias MonitorEventQueue = EventQueue<MonitorEvent>
