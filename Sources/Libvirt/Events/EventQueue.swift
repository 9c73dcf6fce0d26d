// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Events that libvirt delivers for a registration, queued until someone takes them.
///
/// The registration lasts until ``cancel()``, at the latest until the queue is let go. The queue
/// keeps its connection open.
package final class EventQueue<Event: Sendable>: Sendable {
  private let sink: EventSink<Event>
  private let connection: Connection
  private let deregister: Locked<(@Sendable () -> Void)?>

  /// Registers for events.
  ///
  /// - Parameters:
  ///   - connection: The connection the events come from.
  ///   - register: Registers a callback whose opaque argument is a retained ``EventSink``, to be
  ///     released by ``releaseEventSink(_:)``; returns what deregisters it.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver has no such events.
  init(
    connection: Connection,
    register: (UnsafeMutableRawPointer) throws(LibvirtError) -> @Sendable () -> Void
  ) throws(LibvirtError) {
    let sink = try EventSink<Event>()
    let opaque = unsafe Unmanaged.passRetained(sink)
    do throws(LibvirtError) {
      deregister = Locked(try unsafe register(opaque.toOpaque()))
    } catch {
      // libvirt calls the free function of a callback only when it took the callback.
      unsafe opaque.release()
      throw error
    }
    self.sink = sink
    self.connection = connection
  }

  deinit {
    cancel()
  }

  /// A descriptor for `poll`, readable exactly while events are waiting.
  ///
  /// It is only to be waited for, and belongs to the queue.
  package var fileDescriptor: Int32 { sink.fileDescriptor }

  /// Takes the oldest event, waiting for it if need be.
  ///
  /// - Parameter timeoutMilliseconds: How long to wait at most; nil for ever, 0 to look only.
  /// - Returns: The event; nil when the time is over.
  package func next(timeoutMilliseconds: Int? = nil) -> Event? {
    let deadline = timeoutMilliseconds.map { monotonicMilliseconds() + max(0, $0) }
    while true {
      if let event = sink.take() { return event }
      let left = deadline.map { max(0, $0 - monotonicMilliseconds()) }
      if waitUntilReadable([fileDescriptor], timeoutMilliseconds: left).isEmpty {
        return sink.take()
      }
    }
  }

  /// Takes all events that are waiting.
  ///
  /// - Returns: The events, oldest first.
  package func drain() -> [Event] {
    sink.takeAll()
  }

  /// Ends the registration; what is in the queue can still be taken.
  ///
  /// Done once; calling it again does nothing. An error is of no interest: the connection is gone
  /// then, and the registration with it.
  package func cancel() {
    let deregister = deregister.withLock { deregister in
      defer { deregister = nil }
      return deregister
    }
    deregister?()
  }
}

/// Gives back what libvirt held of an ``EventSink``: the free function of every registration.
///
/// - Parameter opaque: The opaque argument of the callback.
func releaseEventSink(_ opaque: UnsafeMutableRawPointer?) {
  guard let opaque = unsafe opaque else { return }
  unsafe Unmanaged<AnyObject>.fromOpaque(opaque).release()
}
