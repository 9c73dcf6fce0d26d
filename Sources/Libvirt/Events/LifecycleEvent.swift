// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A change in the life of a domain.
package struct LifecycleEvent: Sendable, Equatable {
  /// What happened (`virDomainEventType`).
  package enum Kind: Int32, Sendable {
    /// The domain was defined.
    case defined
    /// Its definition was removed.
    case undefined
    /// It was started.
    case started
    /// It was suspended.
    case suspended
    /// It goes on running.
    case resumed
    /// It was stopped.
    case stopped
    /// The guest has shut down; QEMU may still be there.
    case shutdown
    /// The guest suspended itself to memory or disk.
    case pmSuspended
    /// The guest crashed.
    case crashed
  }

  /// What happened; nil for something this version does not know.
  package var kind: Kind?
  /// libvirt's number of it.
  package var event: Int
  /// libvirt's number of the details, whose meaning depends on the event.
  package var detail: Int

  /// Makes an event.
  package init(event: Int, detail: Int) {
    self.kind = Int32(exactly: event).flatMap(Kind.init(rawValue:))
    self.event = event
    self.detail = detail
  }
}

/// Changes in the life of a domain.
package typealias LifecycleEventQueue = EventQueue<LifecycleEvent>
