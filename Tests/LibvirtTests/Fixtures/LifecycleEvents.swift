// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

@testable import Libvirt

// The program waits for no such events. Every driver sends them, libvirt's test driver too: with them
// the queue is tested that all events go through.

/// A change in the life of a domain.
struct LifecycleEvent: Sendable, Equatable {
  /// The kind of a change (`virDomainEventType`).
  enum Kind: Int32, Sendable {
    /// The domain was defined.
    case defined
    /// Its definition was removed.
    case undefined
    /// The domain was started.
    case started
    /// The domain was suspended.
    case suspended
    /// The domain goes on running.
    case resumed
    /// The domain was stopped.
    case stopped
    /// The guest has shut down; QEMU may still be there.
    case shutdown
    /// The guest suspended itself to memory or disk.
    case pmSuspended
    /// The guest crashed.
    case crashed
  }

  /// The kind of the change; nil for one that this version does not know.
  var kind: Kind?
  /// libvirt's number of it.
  var event: Int
  /// libvirt's number of the details, whose meaning depends on the event.
  var detail: Int

  /// Makes an event.
  init(event: Int, detail: Int) {
    self.kind = Int32(exactly: event).flatMap(Kind.init(rawValue:))
    self.event = event
    self.detail = detail
  }
}

/// Changes in the life of a domain.
typealias LifecycleEventQueue = EventQueue<LifecycleEvent>

extension Connection {
  /// Registers for changes in the life of a domain.
  func lifecycleEvents(of domain: Domain) throws(LibvirtError) -> LifecycleEventQueue {
    try LifecycleEventQueue(connection: self) { opaque throws(LibvirtError) in
      let id = try counting("virConnectDomainEventRegisterAny", detail: domain.name) {
        virConnectDomainEventRegisterAny(
          handle, domain.handle, Int32(VIR_DOMAIN_EVENT_ID_LIFECYCLE.rawValue),
          virshBackupLifecycleCallback(putLifecycleEvent), opaque, releaseEventSink)
      }
      return { [self] in
        try? checking("virConnectDomainEventDeregisterAny") {
          virConnectDomainEventDeregisterAny(handle, Int32(id))
        }
      }
    }
  }
}

/// Queues a change in the life of a domain: runs on the event thread and never calls libvirt.
private func putLifecycleEvent(
  _: OpaquePointer?, _: OpaquePointer?, event: Int32, detail: Int32,
  opaque: UnsafeMutableRawPointer?
) -> Int32 {
  guard let opaque else { return 0 }
  Unmanaged<EventSink<LifecycleEvent>>.fromOpaque(opaque).takeUnretainedValue().put(
    LifecycleEvent(event: Int(event), detail: Int(detail)))
  return 0
}
