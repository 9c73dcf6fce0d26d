// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Testing

@testable import Backup
@testable import BackupCore

@Suite struct CreateSettleTests {
  /// The state in which a client finds a create whose own client is dead.
  struct Found: CustomTestStringConvertible {
    var status: String?
    var error: String?
    var settlement: Settlement
    var testDescription: String { "\(status ?? "no job") \(error ?? "")" }
  }

  @Test(arguments: [
    Found(status: "running", settlement: .running),
    Found(status: "pending", settlement: .finished),
    Found(status: "concluded", settlement: .finished),
    Found(status: "concluded", error: "No space left on device", settlement: .undone),
    Found(status: nil, settlement: .undone),
  ])
  func `what a dead client left is finished, undone or left alone`(found: Found) throws {
    let left = try LeftCreate(status: found.status, error: found.error)
    let settled = Clients.Box<[String: Settlement]>([:])
    let (endings, _) = left.run(
      [], { engine, _ in settled.value = try engine.settle(domainUUID: World.domainUUID) },
      clients: 1)
    guard case .done = endings[0] else {
      Issue.record("\(endings)")
      return
    }
    #expect(settled.value == [left.partial.uuid: found.settlement])
    #expect(left.isPublished == (found.settlement == .finished))
    #expect(left.hasImages == (found.settlement != .undone))
    #expect(left.records == (found.settlement != .undone))
    if found.settlement != .running { #expect(left.leftovers == []) }
  }

  @Test(arguments: LeftPath.allCases, [nil, "pending"])
  func `whatever is between a device and its disk is taken away`(
    path: LeftPath, status: String?
  ) throws {
    let left = try LeftCreate(status: status, path: path)
    let (endings, _) = left.run(
      [], { engine, _ in try engine.settle(domainUUID: World.domainUUID) }, clients: 1)
    guard case .done([]) = endings[0] else {
      Issue.record("\(endings)")
      return
    }
    #expect(left.leftovers == [] && left.isPublished == (status != nil))
    for disk in left.plan.disks {
      #expect(left.qemu.drives[disk.live.device] == disk.live.node.nodeName)
    }
  }

  @Test(arguments: LeftPath.allCases, [nil, "pending"])
  func `whenever the client that takes it away is killed, the next one goes on`(
    path: LeftPath, status: String?
  ) throws {
    for change in 0... {
      let left = try LeftCreate(status: status, path: path)
      guard left.settle(killedBefore: change) else {
        #expect(change > 10, "\(change) changes")
        return
      }
      let (endings, _) = left.run(
        [], { engine, _ in try engine.settle(domainUUID: World.domainUUID) }, clients: 1)
      if case .failed(let why) = endings[0] { Issue.record("\(change): \(why)") }
      #expect(left.leftovers == [], "\(change)")
      for disk in left.plan.disks {
        #expect(
          left.qemu.drives[disk.live.device] == disk.live.node.nodeName, "\(change)")
      }
    }
  }

  @Test func `a copy whose flush fails is undone`() throws {
    let left = try LeftCreate()
    left.qemu.broken = Set(left.plan.disks.map(\.names.target))
    let (endings, _) = left.run(
      [], { engine, _ in try engine.settle(domainUUID: World.domainUUID) }, clients: 1)
    guard case .done(let notices) = endings[0] else {
      Issue.record("\(endings)")
      return
    }
    #expect(notices.contains { $0.contains("Input/output error") })
    #expect(!left.isPublished && !left.hasImages && left.leftovers == [])
  }

  /// Runs two clients on what is left, and looks at what comes of it.
  private func interleave(
    ways: Int, path: LeftPath = .filter,
    _ work: @escaping @Sendable (LeftCreate, Engine, Int) throws -> Void,
    _ check: (LeftCreate, [Clients.Ending], String) -> Void
  ) throws {
    var left = try LeftCreate(path: path)
    try Clients.interleave(ways: ways) { segments, clients in
      left = try LeftCreate(path: path)
      let shared = Clients.Box(left)
      return left.run(segments, { try work(shared.value, $0, $1) }, clients: clients)
    } _: { found, way in
      check(left, found.endings, way)
    }
  }

  @Test(arguments: [LeftPath.filter, .relayAndFilter])
  func `two clients that settle it publish it once, whatever comes between`(
    path: LeftPath
  ) throws {
    try interleave(ways: 120, path: path) { _, engine, _ in
      try engine.settle(domainUUID: World.domainUUID)
    } _: { left, endings, way in
      for ending in endings {
        guard case .done([]) = ending else {
          Issue.record("\(way): \(endings)")
          return
        }
      }
      #expect(left.isPublished && left.hasImages && left.records, "\(way)")
      #expect(left.leftovers == [], "\(way)")
    }
  }

  @Test func `of one that publishes it and one that undoes it both end with one outcome`() throws {
    var published = 0, undone = 0
    try interleave(ways: 120) { left, engine, client in
      if client == 0 {
        try engine.settle(domainUUID: World.domainUUID)
      } else {
        let pending = Catalog.Pending(
          volume: left.plan.manifest.volumeNames.partial, partial: left.partial)
        try Create(engine.context).undoCreate(
          pending, guest: try engine.context.guest(of: left.partial))
      }
    } _: { left, endings, way in
      for ending in endings {
        if case .failed(let why) = ending { Issue.record("\(way): \(why)") }
      }
      #expect(left.isPublished == left.hasImages, "\(way): \(endings)")
      #expect(left.isPublished == left.records, "\(way): \(endings)")
      #expect(left.leftovers == [], "\(way): \(endings)")
      if left.isPublished { published += 1 } else { undone += 1 }
    }
    #expect(published > 0 && undone > 0, "\(published) \(undone)")
  }
}
