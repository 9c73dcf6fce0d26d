// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// A storage pool: a directory, usually, whose files are volumes.
///
/// Keeps its connection open. The object stays valid when the pool is gone; calls fail with the
/// code `.noStoragePool` then.
@safe
package final class StoragePool: Sendable {
  /// What a pool is doing (`virStoragePoolState`).
  package enum State: Int32, Sendable {
    /// It is not started.
    case inactive
    /// It is being made.
    case building
    /// It works.
    case running
    /// It works, but something is missing.
    case degraded
    /// It cannot be used.
    case inaccessible
  }

  /// The state and the size of a pool.
  package struct Info: Sendable, Equatable {
    /// What it is doing.
    package var state: State
    /// Its size in bytes.
    package var capacity: UInt64
    /// Bytes in use.
    package var allocation: UInt64
    /// Bytes that are free, when the pool was refreshed last.
    package var available: UInt64
  }

  // virStoragePoolPtr may be used by several threads at once, and counts its references atomically.
  nonisolated(unsafe) let handle: OpaquePointer
  /// The connection it was found through.
  package let connection: Connection
  /// The pool's name.
  ///
  /// The corresponding libvirt function is `virStoragePoolGetName`.
  package let name: String
  /// The pool's UUID, lower case.
  ///
  /// The corresponding libvirt function is `virStoragePoolGetUUIDString`.
  package let uuid: String

  /// Takes over a storage pool.
  ///
  /// - Parameters:
  ///   - handle: The pool, one reference of which is taken over.
  ///   - connection: The connection it was found through.
  init(adopting handle: OpaquePointer, connection: Connection) {
    unsafe self.handle = unsafe handle
    self.connection = connection
    // Both only read the handle, which is a pool: they cannot fail.
    name = unsafe virStoragePoolGetName(handle).map { unsafe String(cString: $0) } ?? ""
    uuid = unsafe readingUUID { unsafe virStoragePoolGetUUIDString(handle, $0) }
  }

  deinit {
    _ = withoutPipeSignal { unsafe virStoragePoolFree(handle) }
  }

  /// The pool's state and size.
  ///
  /// The corresponding libvirt function is `virStoragePoolGetInfo`.
  package var info: Info {
    get throws(LibvirtError) {
      var info = virStoragePoolInfo()
      try checking("virStoragePoolGetInfo", detail: name) {
        unsafe virStoragePoolGetInfo(handle, &info)
      }
      return Info(
        state: State(rawValue: info.state) ?? .inaccessible, capacity: info.capacity,
        allocation: info.allocation, available: info.available)
    }
  }

  /// True when the pool is started.
  ///
  /// The corresponding libvirt function is `virStoragePoolIsActive`.
  package var isActive: Bool {
    get throws(LibvirtError) {
      try counting("virStoragePoolIsActive", detail: name) {
        unsafe virStoragePoolIsActive(handle)
      } == 1
    }
  }

  /// Describes the pool.
  ///
  /// The corresponding libvirt function is `virStoragePoolGetXMLDesc`.
  ///
  /// - Returns: A `<pool>` document.
  /// - Throws: ``LibvirtError``.
  package func xmlDescription() throws(LibvirtError) -> String {
    try unsafe takingString("virStoragePoolGetXMLDesc", detail: name) {
      unsafe virStoragePoolGetXMLDesc(handle, 0)
    }
  }

  /// Starts a pool that has a definition.
  ///
  /// The corresponding libvirt function is `virStoragePoolCreate`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where it is started.
  package func start() throws(LibvirtError) {
    try checking("virStoragePoolCreate", detail: name) { unsafe virStoragePoolCreate(handle, 0) }
  }

  /// Stops the pool; its volumes stay where they are.
  ///
  /// The corresponding libvirt function is `virStoragePoolDestroy`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where it is not started.
  package func destroy() throws(LibvirtError) {
    try checking("virStoragePoolDestroy", detail: name) { unsafe virStoragePoolDestroy(handle) }
  }
}
