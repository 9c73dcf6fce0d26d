// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CLibvirt

extension Connection {
  /// Lists storage pools.
  ///
  /// The corresponding libvirt function is `virConnectListAllStoragePools`.
  ///
  /// - Parameter activeOnly: True to leave out those that are not started.
  /// - Returns: The pools, in no order.
  /// - Throws: ``LibvirtError``, of the code `.noSupport` where the driver has no storage.
  package func storagePools(activeOnly: Bool = false) throws(LibvirtError) -> [StoragePool] {
    let flags = activeOnly ? VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE.rawValue : 0
    let handles = try unsafe takingHandles("virConnectListAllStoragePools") {
      unsafe virConnectListAllStoragePools(handle, $0, flags)
    }
    return unsafe handles.map { unsafe StoragePool(adopting: $0, connection: self) }
  }

  /// Looks a storage pool up.
  ///
  /// The corresponding libvirt function is `virStoragePoolLookupByName`.
  ///
  /// - Parameter name: The pool's name.
  /// - Returns: The pool.
  /// - Throws: ``LibvirtError``, of the code `.noStoragePool` where there is none.
  package func storagePool(name: String) throws(LibvirtError) -> StoragePool {
    let pool = try unsafe checkingNil("virStoragePoolLookupByName", detail: name) {
      unsafe virStoragePoolLookupByName(handle, name)
    }
    return unsafe StoragePool(adopting: pool, connection: self)
  }

  /// Looks a storage pool up.
  ///
  /// The corresponding libvirt function is `virStoragePoolLookupByUUIDString`.
  ///
  /// - Parameter uuid: The pool's UUID.
  /// - Returns: The pool.
  /// - Throws: ``LibvirtError``, of the code `.noStoragePool` where there is none, `.invalidArg`
  ///   where the text is not a UUID.
  package func storagePool(uuid: String) throws(LibvirtError) -> StoragePool {
    let pool = try unsafe checkingNil("virStoragePoolLookupByUUIDString", detail: uuid) {
      unsafe virStoragePoolLookupByUUIDString(handle, uuid)
    }
    return unsafe StoragePool(adopting: pool, connection: self)
  }

  /// Looks the storage pool up that serves a directory.
  ///
  /// The corresponding libvirt function is `virStoragePoolLookupByTargetPath`.
  ///
  /// - Parameter targetPath: The directory's absolute path on the hypervisor.
  /// - Returns: The pool.
  /// - Throws: ``LibvirtError``, of the code `.noStoragePool` where there is none.
  package func storagePool(targetPath: String) throws(LibvirtError) -> StoragePool {
    let pool = try unsafe checkingNil("virStoragePoolLookupByTargetPath", detail: targetPath) {
      unsafe virStoragePoolLookupByTargetPath(handle, targetPath)
    }
    return unsafe StoragePool(adopting: pool, connection: self)
  }

  /// Starts a storage pool that is gone when it stops.
  ///
  /// The corresponding libvirt function is `virStoragePoolCreateXML`.
  ///
  /// - Parameters:
  ///   - xml: A `<pool>` document.
  ///   - isBuilt: Whether its directory is made.
  /// - Returns: The pool.
  /// - Throws: ``LibvirtError``, of the code `.operationFailed` where another pool has the name or
  ///   the directory.
  package func createStoragePool(
    xml: String, isBuilt: Bool = false
  ) throws(LibvirtError) -> StoragePool {
    let flags = isBuilt ? VIR_STORAGE_POOL_CREATE_WITH_BUILD.rawValue : 0
    let pool = try unsafe checkingNil("virStoragePoolCreateXML") {
      unsafe virStoragePoolCreateXML(handle, xml, flags)
    }
    return unsafe StoragePool(adopting: pool, connection: self)
  }

  /// Looks a storage volume up in all active pools.
  ///
  /// The corresponding libvirt function is `virStorageVolLookupByPath`.
  ///
  /// - Parameter path: The volume's absolute path on the hypervisor.
  /// - Returns: The volume.
  /// - Throws: ``LibvirtError``, of the code `.noStorageVolume` where there is none.
  package func storageVolume(path: String) throws(LibvirtError) -> StorageVolume {
    let volume = try unsafe checkingNil("virStorageVolLookupByPath", detail: path) {
      unsafe virStorageVolLookupByPath(handle, path)
    }
    return unsafe StorageVolume(adopting: volume, connection: self)
  }
}
