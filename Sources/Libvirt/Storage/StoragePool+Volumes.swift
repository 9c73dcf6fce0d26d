// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension StoragePool {
  /// Looks at the pool again: finds volumes that others made and space that others took.
  ///
  /// The corresponding libvirt function is `virStoragePoolRefresh`.
  ///
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the pool is not started.
  package func refresh() throws(LibvirtError) {
    try checking("virStoragePoolRefresh", detail: name) {
      unsafe virStoragePoolRefresh(handle, 0)
    }
  }

  /// Lists the pool's volumes.
  ///
  /// The corresponding libvirt function is `virStoragePoolListAllVolumes`.
  ///
  /// - Returns: The volumes, in no order.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the pool is not started.
  package func volumes() throws(LibvirtError) -> [StorageVolume] {
    let handles = try unsafe takingHandles("virStoragePoolListAllVolumes", detail: name) {
      unsafe virStoragePoolListAllVolumes(handle, $0, 0)
    }
    return unsafe handles.map { unsafe StorageVolume(adopting: $0, connection: connection) }
  }

  /// Lists the names of the pool's volumes, in one call.
  ///
  /// The corresponding libvirt function is `virStoragePoolListAllVolumes`.
  ///
  /// - Returns: The names, in no order.
  /// - Throws: ``LibvirtError``, of the code `.operationInvalid` where the pool is not started.
  package func volumeNames() throws(LibvirtError) -> [String] {
    try volumes().map(\.name)
  }

  /// Looks a volume up.
  ///
  /// The corresponding libvirt function is `virStorageVolLookupByName`.
  ///
  /// - Parameter name: The volume's name.
  /// - Returns: The volume.
  /// - Throws: ``LibvirtError``, of the code `.noStorageVolume` where there is none.
  package func volume(name: String) throws(LibvirtError) -> StorageVolume {
    let volume = try unsafe checkingNil("virStorageVolLookupByName", detail: name) {
      unsafe virStorageVolLookupByName(handle, name)
    }
    return unsafe StorageVolume(adopting: volume, connection: connection)
  }

  /// Makes a volume.
  ///
  /// The corresponding libvirt function is `virStorageVolCreateXML`.
  ///
  /// - Parameter xml: A `<volume>` document.
  /// - Returns: The volume.
  /// - Throws: ``LibvirtError``, of the code `.storageVolumeExist` where the name is taken.
  package func createVolume(xml: String) throws(LibvirtError) -> StorageVolume {
    let volume = try unsafe checkingNil("virStorageVolCreateXML", detail: name) {
      unsafe virStorageVolCreateXML(handle, xml, 0)
    }
    return unsafe StorageVolume(adopting: volume, connection: connection)
  }
}
