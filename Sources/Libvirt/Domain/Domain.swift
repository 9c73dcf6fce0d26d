// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// A domain: a guest and its definition.
///
/// Keeps its connection open. The object stays valid when the domain is gone; calls fail with the
/// code `.noDomain` then.
@safe
package final class Domain: Sendable {
  // virDomainPtr may be used by several threads at once, and counts its references atomically.
  nonisolated(unsafe) let handle: OpaquePointer
  /// The connection it was found through.
  package let connection: Connection
  /// The domain's name when it was looked up.
  ///
  /// The corresponding libvirt function is `virDomainGetName`.
  package let name: String
  /// The domain's UUID, lower case.
  ///
  /// The corresponding libvirt function is `virDomainGetUUIDString`.
  package let uuid: String

  /// Takes over a domain.
  ///
  /// - Parameters:
  ///   - handle: The domain, one reference of which is taken over.
  ///   - connection: The connection it was found through.
  init(adopting handle: OpaquePointer, connection: Connection) {
    unsafe self.handle = unsafe handle
    self.connection = connection
    // Both only read the handle, which is a domain: they cannot fail.
    name = unsafe virDomainGetName(handle).map { unsafe String(cString: $0) } ?? ""
    uuid = unsafe readingUUID { unsafe virDomainGetUUIDString(handle, $0) }
  }

  deinit {
    _ = withoutPipeSignal { unsafe virDomainFree(handle) }
  }

  /// The id the domain had when it was looked up or started through this object; nil when it was
  /// shut off.
  ///
  /// The corresponding libvirt function is `virDomainGetID`.
  package var id: Int32? {
    Int32(exactly: unsafe virDomainGetID(handle))
  }
}
