// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

/// A volume of a storage pool.
///
/// Keeps its connection open. The object stays valid when the volume is gone; calls fail with the
/// code `.noStorageVolume` then.
@safe
package final class StorageVolume: Sendable {
  /// What a volume is (`virStorageVolType`).
  package enum Kind: Int32, Sendable {
    /// A file.
    case file
    /// A block device.
    case block
    /// A directory.
    case directory
    /// Something in the network.
    case network
    /// A directory in the network.
    case networkDirectory
    /// A Ploop image.
    case ploop
  }

  /// The kind and the size of a volume.
  package struct Info: Sendable, Equatable {
    /// What it is; nil for something this version does not know.
    package var type: Kind?
    /// The size a guest sees, in bytes.
    package var capacity: UInt64
    /// Bytes it takes.
    package var allocation: UInt64
  }

  // virStorageVolPtr may be used by several threads at once, and counts its references atomically.
  nonisolated(unsafe) let handle: OpaquePointer
  /// The connection it was found through.
  package let connection: Connection
  /// The volume's name.
  ///
  /// The corresponding libvirt function is `virStorageVolGetName`.
  package let name: String

  /// Takes over a storage volume.
  ///
  /// - Parameters:
  ///   - handle: The volume, one reference of which is taken over.
  ///   - connection: The connection it was found through.
  init(adopting handle: OpaquePointer, connection: Connection) {
    unsafe self.handle = unsafe handle
    self.connection = connection
    // Only reads the handle, which is a volume: it cannot fail.
    name = unsafe virStorageVolGetName(handle).map { unsafe String(cString: $0) } ?? ""
  }

  deinit {
    _ = withoutPipeSignal { unsafe virStorageVolFree(handle) }
  }

  /// The volume's kind and size.
  ///
  /// The corresponding libvirt function is `virStorageVolGetInfo`.
  package var info: Info {
    get throws(LibvirtError) {
      var info = virStorageVolInfo()
      try checking("virStorageVolGetInfo", detail: name) {
        unsafe virStorageVolGetInfo(handle, &info)
      }
      return Info(
        type: Kind(rawValue: info.type), capacity: info.capacity, allocation: info.allocation)
    }
  }

  /// Bytes of the volume's file, from its start to its end.
  ///
  /// The corresponding libvirt function is `virStorageVolGetInfoFlags` with
  /// `VIR_STORAGE_VOL_GET_PHYSICAL`.
  package var physicalSize: UInt64 {
    get throws(LibvirtError) {
      var info = virStorageVolInfo()
      try checking("virStorageVolGetInfoFlags", detail: name) {
        unsafe virStorageVolGetInfoFlags(
          handle, &info, UInt32(VIR_STORAGE_VOL_GET_PHYSICAL.rawValue))
      }
      return info.allocation
    }
  }

  /// Describes the volume.
  ///
  /// The corresponding libvirt function is `virStorageVolGetXMLDesc`.
  ///
  /// - Returns: A `<volume>` document.
  /// - Throws: ``LibvirtError``, of the code `.noStorageVolume` where it is gone.
  package func xmlDescription() throws(LibvirtError) -> String {
    try unsafe takingString("virStorageVolGetXMLDesc", detail: name) {
      unsafe virStorageVolGetXMLDesc(handle, 0)
    }
  }

  /// Makes the volume smaller.
  ///
  /// The corresponding libvirt function is `virStorageVolResize`.
  ///
  /// - Parameter capacity: The new capacity in bytes.
  /// - Throws: ``LibvirtError``, of the code `.invalidArg` where it holds more than that.
  package func shrink(to capacity: UInt64) throws(LibvirtError) {
    try checking("virStorageVolResize", detail: name) {
      unsafe virStorageVolResize(
        handle, capacity, UInt32(VIR_STORAGE_VOL_RESIZE_SHRINK.rawValue))
    }
  }

  /// Removes the volume and its data.
  ///
  /// The corresponding libvirt function is `virStorageVolDelete`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.noStorageVolume` where it is gone.
  package func delete() throws(LibvirtError) {
    try checking("virStorageVolDelete", detail: name) { unsafe virStorageVolDelete(handle, 0) }
  }
}
