// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// A pool and clients of it; its domain is not of their host.
private struct Scene {
  let world: World

  /// Makes two points of one domain, the newer on the older.
  init() throws {
    var world = World(.init("vda"))
    for name in ["p0", "p1"] { try world.make(name) }
    self.world = world
  }

  /// Runs clients in turns.
  func run(
    _ segments: [Turns.Segment], _ work: @escaping @Sendable (Engine, Int) throws -> Void,
    clients: Int = 2
  ) -> Clients.Run {
    Clients.run(segments, clients: clients) { client, observer, step in
      let repository = SteppedRepository(world.repository, step: step)
      return Engine(
        repository: repository,
        hypervisor: FakeHost(
          pool: repository, definition: world.definition, domainUUID: World.makeUUID(0xd1),
          qemu: FakeQEMU()),
        observer: observer, process: LeftCreate.process(of: client + 1))
    } _: { engine, client in
      try work(engine, client)
    }
  }
}

/// Tests changes of what a user notes of a point: its description and its protection.
struct AmendTests {
  private func manifest(_ name: String, _ clients: Scene) throws -> Manifest {
    let volume = VolumeNames(domain: "web1", uuid: World.domainUUID, point: name).manifest
    return try Manifest(parsing: Catalog.text(of: volume, in: clients.world.repository))
  }

  /// Does something with a point as one client.
  private func run(
    _ clients: Scene, _ work: @escaping @Sendable (Engine, Point) throws -> Void
  ) -> Clients.Ending {
    clients.run(
      [],
      { engine, _ in
        try work(engine, try engine.catalog().point("p1", of: World.domainUUID))
      }, clients: 1
    ).endings[0]
  }

  @Test func `a description and a protection are in the manifest, and nothing else changes`() throws
  {
    let clients = try Scene()
    var before = try manifest("p1", clients)
    let ending = run(clients) { engine, point in
      try engine.protect(point, true)
      try engine.describe(point, "before <the> upgrade")
    }
    guard case .done([]) = ending else {
      Issue.record("\(ending)")
      return
    }
    before.isProtected = true
    before.description = "before <the> upgrade"
    #expect(try manifest("p1", clients) == before)
    _ = run(clients) { engine, point in
      try engine.protect(point, false)
      try engine.describe(point, nil)
    }
    before.isProtected = false
    before.description = nil
    #expect(try manifest("p1", clients) == before)
  }

  @Test func `a protected point is not deleted, alone or with what it stands on`() throws {
    let clients = try Scene()
    _ = run(clients) { engine, point in try engine.protect(point, true) }
    for (name, scope) in [("p1", DeleteScope.point), ("p0", .withChildren), ("p0", .childrenOnly)] {
      let ending = clients.run(
        [],
        { engine, _ in
          _ = try engine.delete([name], of: World.domainUUID, scope: scope)
        }, clients: 1
      ).endings[0]
      guard case .failed(let text) = ending else {
        Issue.record("\(name) \(scope): \(ending)")
        continue
      }
      #expect(text.contains("'p1' is protected"), "\(text)")
      #expect(text.contains("'backup-protect web1 p1 --off'"), "\(text)")
    }
    #expect(try clients.world.catalog().points.map(\.isComplete) == [true, true])
    #expect(try clients.world.catalog().pending == [])
    _ = run(clients) { engine, point in
      try engine.protect(point, false)
      _ = try engine.delete([point.manifest.name], of: World.domainUUID)
    }
    #expect(try clients.world.catalog().points.map(\.manifest.name) == ["p0"])
  }

  @Test func `a text that no document can have is refused, and changes nothing`() throws {
    let clients = try Scene()
    let before = try manifest("p1", clients)
    let ending = run(clients) { engine, point in try engine.describe(point, "\u{1B}[31m") }
    guard case .failed = ending else {
      Issue.record("\(ending)")
      return
    }
    #expect(try manifest("p1", clients) == before)
  }

  /// One client protects the newest point, the other deletes it; each stops after any of its steps.
  @Test func `of a protection and a delete at the same time at most one succeeds`() throws {
    let work: @Sendable (Engine, Int) throws -> Void = { engine, client in
      let point = try engine.catalog().point("p1", of: World.domainUUID)
      if client == 0 {
        try engine.protect(point, true)
      } else {
        _ = try engine.delete(["p1"], of: World.domainUUID)
      }
    }
    let alone = try [0, 1].map { client in
      try Scene().run(
        [], { engine, _ in try work(engine, client) }, clients: 1
      ).counts[0] ?? 0
    }
    var wins = (protect: 0, delete: 0)
    for first in 0..<2 {
      for steps in 1...alone[first] {
        for others in stride(from: 1 + steps % 13, through: alone[1 - first], by: 13) {
          let clients = try Scene()
          let (endings, _) = clients.run(
            [
              .init(client: first, steps: steps), .init(client: 1 - first, steps: others),
              .init(client: first, steps: 2000),
            ], work)
          let way = "\(first) \(steps) \(others): \(endings)"
          let isDone = endings.map { ending in
            if case .done = ending { return true }
            return false
          }
          let catalog = try clients.world.catalog()
          let point = try? catalog.point("p1", of: World.domainUUID)
          #expect(!(isDone[0] && isDone[1]), "\(way)")
          #expect((point == nil) == isDone[1], "\(way)")
          if isDone[0] { #expect(point?.manifest.isProtected == true, "\(way)") }
          if !isDone[0] { #expect(point?.manifest.isProtected != true, "\(way)") }
          #expect(catalog.pending == [] && catalog.broken == [], "\(way)")
          if isDone[0] { wins.protect += 1 }
          if isDone[1] { wins.delete += 1 }
        }
      }
    }
    #expect(wins.protect > 0 && wins.delete > 0, "\(wins)")
  }

  @Test func `two clients that note something at once both are heard`() throws {
    let work: @Sendable (Engine, Int) throws -> Void = { engine, client in
      let point = try engine.catalog().point("p1", of: World.domainUUID)
      if client == 0 {
        try engine.protect(point, true)
      } else {
        try engine.describe(point, "text")
      }
    }
    let alone = try Scene().run([], work, clients: 1).counts[0] ?? 0
    for steps in 1...alone {
      let clients = try Scene()
      let (endings, _) = clients.run(
        [.init(client: 0, steps: steps), .init(client: 1, steps: 2000)], work)
      for ending in endings {
        if case .failed(let text) = ending { Issue.record("\(steps): \(text)") }
      }
      let manifest = try manifest("p1", clients)
      #expect(manifest.isProtected && manifest.description == "text", "\(steps)")
    }
  }
}
