// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// What a pool holds.
struct CatalogTests {
  private func edit(_ world: World, _ volume: String, _ change: (inout Manifest) -> Void) throws {
    let text = String(decoding: try #require(world.repository.contents[volume]), as: UTF8.self)
    var manifest = try Manifest(parsing: text)
    change(&manifest)
    world.repository.put(volume, try manifest.xml())
  }

  @Test
  func `points are ordered by sequence, not by time or name`() throws {
    var world = World(.init("vda"))
    for name in ["z", "a", "m"] {
      try world.make(name)
      world.time -= 100
    }
    let catalog = try world.catalog()
    #expect(catalog.points(of: World.domainUUID).map(\.manifest.name) == ["z", "a", "m"])
    #expect(try catalog.point(nil, of: World.domainUUID).manifest.name == "m")
    #expect(catalog.points.map(\.isComplete) == [true, true, true])
    #expect(world.repository.refreshes > 0)
    _ = try Catalog(of: world.repository, refresh: false)
  }

  @Test
  func `a manifest that goes while it is read is not there, and one that cannot be read is told`()
    throws
  {
    var world = World(.init("vda"))
    let manifest = try world.make("p")
    let pool = PoolReader(world.repository, pause: { _ in })
    let volume = manifest.volumeNames.manifest
    world.repository.unreadable = [volume]
    #expect(throws: BackupError.self) { try pool.isPublished(manifest.uuid, in: volume) }
    world.repository.unreadable = []
    #expect(try pool.isPublished(manifest.uuid, in: volume))
    world.repository.goingWhenRead = [volume]
    #expect(try !pool.isPublished(manifest.uuid, in: volume))
  }

  @Test
  func `backups of another domain of a name are named by its UUID`() throws {
    var world = World(.init("vda"))
    let manifest = try world.make("p")
    let catalog = try world.catalog()
    let other = "11111111-2222-3333-4444-555555555555"
    for name in [nil, "p"] {
      let error = #expect(throws: BackupError.self) {
        try catalog.point(name, of: other, named: manifest.domainName)
      }
      #expect(
        error?.description
          == "domain '\(manifest.domainName)' has no backup in pool 'backups'; it has those of another "
          + "domain of that name (\(manifest.domainUUID)), to be named by UUID")
    }
  }

  @Test
  func `kinship is by disk`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    let p1 = try world.make("p1")
    let p2 = try world.make("p2", .init(disks: [.init(name: "vda")]))
    let p3 = try world.make("p3", .init(disks: [.init(name: "vdb")]))
    try world.make("p4", .init(isFull: true))
    let catalog = try world.catalog()
    #expect(catalog.children(of: p1.uuid).map(\.manifest.uuid) == [p2.uuid, p3.uuid])
    #expect(catalog.descendants(of: p1.uuid).map(\.manifest.name) == ["p2", "p3"])
    #expect(catalog.descendants(of: p2.uuid) == [])
    let point = try #require(catalog.point(uuid: p3.uuid))
    #expect(
      try catalog.chain(of: point, disk: "vdb").map(\.volume.name)
        == ["web1.p3.vdb.qcow2", "web1.p1.vdb.qcow2"])
    #expect(throws: BackupError.self) { try catalog.chain(of: point, disk: "vda") }
  }

  @Test
  func `a point that lacks a volume anywhere below is not complete`() throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    for name in ["p1", "p2", "p3"] { try world.make(name) }
    world.repository.delete("web1.p2.vdb.qcow2")
    let missing = try world.catalog().points.map(\.missingVolumes)
    #expect(missing == [[], ["web1.p2.vdb.qcow2"], ["web1.p2.vdb.qcow2"]])
    world.repository.delete("web1.p1.backup.xml")
    #expect(try world.catalog().points.map(\.isComplete) == [false, false])
  }

  @Test
  func `what cannot be read is broken, and the rest is there`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    let text = String(
      decoding: try #require(world.repository.contents["web1.p1.backup.xml"]), as: UTF8.self)
    let repository = world.repository
    repository.put("a.backup.xml", "")
    repository.put("b.backup.xml", String(text.dropLast(30)))
    repository.put("c.backup.xml", text.replacing("version='1'", with: "version='2'"))
    repository.put("d.partial.xml", "<backup/>")
    repository.put("e.backup.xml", String(repeating: " ", count: 8 << 20) + " ")
    repository.put("f.backup.xml", text)
    repository.unreadable = ["f.backup.xml"]
    repository.put("g.forgotten", "nonsense\n")
    repository.put("other.iso", "whatever")
    let catalog = try world.catalog()
    #expect(catalog.points.map(\.manifest.name) == ["p1"])
    #expect(
      catalog.broken.map(\.volume) == [
        "a.backup.xml", "b.backup.xml", "c.backup.xml", "d.partial.xml", "e.backup.xml",
        "f.backup.xml", "g.forgotten",
      ])
    #expect(catalog.broken.filter(\.isPartial).map(\.volume) == ["d.partial.xml"])
    #expect(catalog.broken.filter(\.isNewer).map(\.volume) == ["c.backup.xml"])
  }

  @Test
  func `a copied manifest counts once`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    world.repository.contents["web1.p1 (copy).backup.xml"] =
      world.repository.contents["web1.p1.backup.xml"]
    let catalog = try world.catalog()
    #expect(catalog.points.count == 1 && catalog.broken.count == 1)
    #expect(catalog.broken[0].reason.contains("another manifest"))
  }

  @Test
  func `parents that form a circle are refused`() throws {
    var world = World(.init("vda"))
    let first = try world.make("p1")
    let second = try world.make("p2")
    try edit(world, "web1.p1.backup.xml") {
      $0.disks[0].mode = .incremental
      $0.disks[0].parent = second.uuid
    }
    let catalog = try world.catalog()
    #expect(catalog.points.map(\.isComplete) == [false, false])
    let point = try #require(catalog.point(uuid: first.uuid))
    #expect(throws: BackupError.self) { try catalog.chain(of: point, disk: "vda") }
    #expect(catalog.descendants(of: first.uuid).count == 2, "and the search ends")
    #expect(try world.reasons() == ["vda": "base_missing"])
  }

  @Test
  func `another domain's point is no parent`() throws {
    var world = World(.init("vda"))
    let first = try world.make("p1")
    world.uuid = World.makeUUID(0xee)
    world.name = "web2"
    try world.make("q1")
    try edit(world, "web2.q1.backup.xml") {
      $0.disks[0].mode = .incremental
      $0.disks[0].parent = first.uuid
    }
    let catalog = try world.catalog()
    let point = try catalog.point("q1", of: world.uuid)
    #expect(!point.isComplete)
    let error = #expect(throws: BackupError.self) { try catalog.chain(of: point, disk: "vda") }
    #expect(error?.description.contains("another domain") == true)
  }

  @Test
  func `a domain is found by its newest name, an old one or its UUID`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    world.name = "renamed"
    try world.make("p2")
    world.name = "web1"
    world.uuid = World.makeUUID(0xee)
    try world.make("q1")
    let catalog = try world.catalog()
    #expect(try catalog.recordedDomain("renamed") == World.domainUUID)
    #expect(try catalog.recordedDomain("web1") == world.uuid)
    #expect(try catalog.recordedDomain(World.domainUUID.uppercased()) == World.domainUUID)
    let error = #expect(throws: BackupError.self) { try catalog.recordedDomain("web9") }
    #expect(error?.code == .notFound)
    world.name = "renamed"
    try world.make("q2")
    let several = #expect(throws: BackupError.self) {
      try world.catalog().recordedDomain("renamed")
    }
    #expect(several?.description.contains(World.domainUUID) == true)
    #expect(several?.description.contains(world.uuid) == true)
  }
}
