// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Connection {
  /// Registers for changes of a domain's block jobs, by the target names of its disks.
  ///
  /// The corresponding libvirt function is `virConnectDomainEventRegisterAny`.
  ///
  /// - Parameter domain: The domain.
  /// - Returns: A queue of the changes from now on.
  /// - Throws: ``LibvirtError``.
  package func blockJobEvents(of domain: Domain) throws(LibvirtError) -> BlockJobEventQueue {
    try unsafe BlockJobEventQueue(connection: self) { opaque throws(LibvirtError) in
      let id = try counting("virConnectDomainEventRegisterAny", detail: domain.name) {
        unsafe virConnectDomainEventRegisterAny(
          handle, domain.handle, Int32(VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2.rawValue),
          virshBackupBlockJobCallback(putBlockJobEvent), opaque, releaseEventSink)
      }
      return { [self] in
        try? checking("virConnectDomainEventDeregisterAny") {
          unsafe virConnectDomainEventDeregisterAny(handle, Int32(id))
        }
      }
    }
  }
}

/// Queues a change of a block job: runs on the event thread and never calls libvirt.
private func putBlockJobEvent(
  _: OpaquePointer?, _: OpaquePointer?, disk: UnsafePointer<CChar>?, type _: Int32, status: Int32,
  opaque: UnsafeMutableRawPointer?
) {
  guard let disk = unsafe disk, let opaque = unsafe opaque else { return }
  unsafe Unmanaged<EventSink<BlockJobEvent>>.fromOpaque(opaque).takeUnretainedValue().put(
    BlockJobEvent(disk: unsafe String(cString: disk), status: .init(rawValue: status)))
}
