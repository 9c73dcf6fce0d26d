// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt
import Glibc

/// Where callbacks put events: a queue, and a descriptor that can be read while there is something
/// in it.
///
/// libvirt holds one reference to it until it is done with the callback, which may be later than
/// the deregistration.
final class EventSink<Event: Sendable>: Sendable {
  /// An eventfd, readable exactly while events are waiting.
  let fileDescriptor: Int32
  private let events = Locked<[Event]>([])

  /// Makes an empty queue.
  ///
  /// - Throws: ``LibvirtError`` with the code `.systemError` when no descriptor is left.
  init() throws(LibvirtError) {
    fileDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard fileDescriptor >= 0 else {
      throw LibvirtError(
        code: .systemError,
        message: "cannot make an event descriptor: \(unsafe String(cString: strerror(errno)))")
    }
  }

  deinit {
    if fileDescriptor >= 0 { close(fileDescriptor) }
  }

  /// Adds an event.
  ///
  /// - Parameter event: The event.
  func put(_ event: Event) {
    events.withLock { events in
      events.append(event)
      if events.count == 1 { eventfd_write(fileDescriptor, 1) }
    }
  }

  /// Takes the oldest event.
  ///
  /// - Returns: The event; nil when there is none.
  func take() -> Event? {
    events.withLock { events in
      guard !events.isEmpty else { return nil }
      let event = events.removeFirst()
      if events.isEmpty { clearDescriptor() }
      return event
    }
  }

  /// Takes all events.
  ///
  /// - Returns: The events, oldest first.
  func takeAll() -> [Event] {
    events.withLock { events in
      guard !events.isEmpty else { return [] }
      clearDescriptor()
      defer { events = [] }
      return events
    }
  }

  /// Makes the descriptor unreadable; the lock has to be held.
  private func clearDescriptor() {
    var value: eventfd_t = 0
    unsafe eventfd_read(fileDescriptor, &value)
  }
}
