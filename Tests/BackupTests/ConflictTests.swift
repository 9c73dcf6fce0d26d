// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Which operations do not go with a delete.
struct ConflictTests {
  private static func delete(_ doomed: [Manifest], merging: [Manifest] = []) -> Partial.Delete {
    .init(
      points: doomed.map { .init(uuid: $0.uuid, manifest: $0.volumeNames.manifest, volumes: []) },
      merges: merging.map {
        .init(point: $0.uuid, disk: "vda", volume: $0.disks[0].volume.name, backing: nil)
      })
  }

  private static func partial(_ operation: Partial.Operation) -> Partial {
    Partial(
      uuid: World.makeUUID(0xf00), pointName: "p", domainName: "web1",
      domainUUID: World.domainUUID, host: .init(uuid: World.makeUUID(0xf01)),
      owner: .init(host: "h", bootID: World.makeUUID(0xf02), pid: 1, startTime: 1),
      creationTime: 1, helper: nil, operation: operation)
  }

  private static func restore(_ point: Manifest) -> Partial {
    partial(.restore(.init(point: point.uuid, disks: [], definition: nil, isStarted: false)))
  }

  private static func create(on point: Manifest) -> Partial {
    var manifest = point
    manifest.uuid = World.makeUUID(0xf03)
    manifest.disks[0].parent = point.uuid
    return partial(.create(manifest: manifest, disks: [], isSuspended: false, isFrozen: false))
  }

  @Test func `what reads or stands on it, and no other`() throws {
    var world = World(.init("vda"))
    let points = try (0..<5).map { try world.make("p\($0)") }
    let catalog = try world.catalog()
    let middle = Self.delete([points[2]], merging: [points[3]])
    for (number, point) in points.enumerated() {
      #expect(catalog.isConcerned(Self.restore(point), by: middle) == (number >= 2), "\(number)")
      #expect(
        catalog.isConcerned(Self.create(on: point), by: middle) == (number == 2), "\(number)")
    }
    let newest = Self.delete([points[4]])
    #expect(!catalog.isConcerned(Self.restore(points[3]), by: newest))
    #expect(catalog.isConcerned(Self.restore(points[4]), by: newest))
  }

  @Test func `two deletes of one chain, whichever comes first`() throws {
    var world = World(.init("vda"))
    let points = try (0..<6).map { try world.make("p\($0)") }
    let catalog = try world.catalog()
    func expect(_ one: Partial.Delete, _ other: Partial.Delete, _ isConflict: Bool) {
      #expect(catalog.isConcerned(Self.partial(.delete(other)), by: one) == isConflict)
      #expect(catalog.isConcerned(Self.partial(.delete(one)), by: other) == isConflict)
    }
    let newest = Self.delete([points[5]])
    expect(Self.delete([points[0]], merging: [points[1]]), newest, false)
    expect(Self.delete([points[4]], merging: [points[5]]), newest, true)
    expect(
      Self.delete([points[0]], merging: [points[1]]),
      Self.delete([points[3]], merging: [points[4]]), true)
    expect(newest, newest, true)
    expect(Self.delete([points[0]]), newest, false)
  }

  @Test func `a disk that would stand on a damaged or doomed point is full`() throws {
    var world = World(.init("vda"))
    let point = try world.make("p0")
    var catalog = try world.catalog()
    #expect(!catalog.isDoomed(point.uuid) && !catalog.isDamaged(point.uuid, disk: "vda"))
    catalog.noteDamage(of: point.uuid, disk: "vda")
    #expect(catalog.isDamaged(point.uuid, disk: "vda"))
    #expect(!catalog.isDamaged(point.uuid, disk: "vdb"))
    let delete = Self.partial(.delete(Self.delete([point])))
    world.repository.put("web1.p0.x.partial.xml", try delete.xml())
    #expect(try world.reasons() == ["vda": "base_deleted"])
  }
}
