// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt
import Testing

@Suite struct StorageTests {
  @Test func `A pool is found by name and UUID`() throws {
    try TestNode.with { connection in
      let pool = try connection.storagePool(name: "backups")
      #expect(pool.uuid == TestNode.poolUUID)
      #expect(try connection.storagePool(uuid: pool.uuid).name == "backups")
      for lookup: () throws -> StoragePool in [
        { try connection.storagePool(name: "none") },
        { try connection.storagePool(uuid: TestNode.domainUUID) },
      ] {
        let error = #expect(throws: LibvirtError.self) { try lookup() }
        #expect(error?.code == .noStoragePool)
      }
    }
  }

  @Test func `A pool tells its state and size`() throws {
    try TestNode.with { connection in
      let pool = try connection.storagePool(name: "backups")
      let info = try pool.info
      #expect(info.state == .running)
      #expect(info.capacity == info.allocation + info.available)
      #expect(info.capacity > 0)
      #expect(try pool.isActive)
      try pool.refresh()
    }
  }

  @Test func `Pools are listed, those that are not started only when asked`() throws {
    try TestNode.with { connection in
      let pool = try connection.storagePool(name: "backups")
      #expect(try connection.storagePools(activeOnly: true).map(\.name) == ["backups"])
      try pool.destroy()
      #expect(try pool.info.state == .inactive)
      #expect(try !pool.isActive)
      #expect(try connection.storagePools(activeOnly: true).isEmpty)
      #expect(try connection.storagePools().map(\.name) == ["backups"])
      let error = #expect(throws: LibvirtError.self) { try pool.volumes() }
      #expect(error?.code == .operationInvalid)
    }
  }

  @Test func `A transient pool is gone when it stops`() throws {
    try TestNode.with { connection in
      let pool = try connection.createStoragePool(
        xml: """
          <pool type='dir'><name>other</name><target><path>/nowhere/else</path></target></pool>
          """)
      try pool.destroy()
      let error = #expect(throws: LibvirtError.self) { try pool.info }
      #expect(error?.code == .noStoragePool)
    }
  }

  @Test func `Volumes are made, found, described and deleted`() throws {
    try TestNode.with { connection in
      let pool = try connection.storagePool(name: "backups")
      let volume = try pool.createVolume(xml: TestNode.volumeXML(name: "a.qcow2"))
      _ = try pool.createVolume(xml: TestNode.volumeXML(name: "b.qcow2"))
      #expect(try Set(pool.volumeNames()) == ["a.qcow2", "b.qcow2"])
      #expect(try Set(pool.volumes().map(\.name)) == ["a.qcow2", "b.qcow2"])

      #expect(try volume.path.hasSuffix("/backups/a.qcow2"))
      #expect(try connection.storageVolume(path: volume.path).name == "a.qcow2")
      #expect(try pool.volume(name: "a.qcow2").path == volume.path)
      #expect(try volume.info.type == .file)
      #expect(try volume.info.capacity == 1 << 20)
      #expect(try volume.xmlDescription().contains("<name>a.qcow2</name>"))

      try volume.delete()
      #expect(try pool.volumeNames() == ["b.qcow2"])
      for lookup: () throws -> Any in [
        { try pool.volume(name: "a.qcow2") },
        { try connection.storageVolume(path: "/nowhere/a.qcow2") },
        { try volume.info },
      ] {
        let error = #expect(throws: LibvirtError.self) { _ = try lookup() }
        #expect(error?.code == .noStorageVolume)
      }
    }
  }
}
