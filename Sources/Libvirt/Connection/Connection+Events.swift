// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

// The callbacks below run on the event thread. They copy what they get and never call libvirt.

extension Connection {
  /// Registers for all events of the monitor of a domain.
  ///
  /// The corresponding libvirt function is `virConnectDomainQemuMonitorEventRegister`.
  ///
  /// - Parameter domain: The domain.
  /// - Returns: A queue of the events from now on.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver is not QEMU's.
  package func monitorEvents(of domain: Domain) throws(LibvirtError) -> MonitorEventQueue {
    try unsafe MonitorEventQueue(connection: self) { opaque throws(LibvirtError) in
      let id = try counting("virConnectDomainQemuMonitorEventRegister", detail: domain.name) {
        unsafe virConnectDomainQemuMonitorEventRegister(
          handle, domain.handle, nil, putMonitorEvent, opaque, releaseEventSink, 0)
      }
      return { [self] in
        try? checking("virConnectDomainQemuMonitorEventDeregister") {
          unsafe virConnectDomainQemuMonitorEventDeregister(handle, Int32(id))
        }
      }
    }
  }

  /// Registers for the end of the connection from the other side.
  ///
  /// A connection has room for one such registration. The corresponding libvirt function is
  /// `virConnectRegisterCloseCallback`.
  ///
  /// - Returns: A queue that gets the reason.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where there is one already.
  package func closeEvents() throws(LibvirtError) -> CloseEventQueue {
    try unsafe CloseEventQueue(connection: self) { opaque throws(LibvirtError) in
      try checking("virConnectRegisterCloseCallback") {
        unsafe virConnectRegisterCloseCallback(handle, putCloseReason, opaque, releaseEventSink)
      }
      return { [self] in
        try? checking("virConnectUnregisterCloseCallback") {
          unsafe virConnectUnregisterCloseCallback(handle, putCloseReason)
        }
      }
    }
  }
}

/// Queues an event of a monitor.
private func putMonitorEvent(
  _: OpaquePointer?, _: OpaquePointer?, name: UnsafePointer<CChar>?, seconds: Int64,
  microseconds: UInt32, details: UnsafePointer<CChar>?, opaque: UnsafeMutableRawPointer?
) {
  guard let name = unsafe name, let opaque = unsafe opaque else { return }
  unsafe Unmanaged<EventSink<MonitorEvent>>.fromOpaque(opaque).takeUnretainedValue().put(
    MonitorEvent(
      name: unsafe String(cString: name), seconds: seconds, microseconds: microseconds,
      details: unsafe details.map { unsafe String(cString: $0) }))
}

/// Queues the reason why a connection was closed.
private func putCloseReason(
  _: OpaquePointer?, reason: Int32, opaque: UnsafeMutableRawPointer?
) {
  guard let opaque = unsafe opaque else { return }
  unsafe Unmanaged<EventSink<CloseReason>>.fromOpaque(opaque).takeUnretainedValue().put(
    CloseReason(rawValue: reason) ?? .error)
}
