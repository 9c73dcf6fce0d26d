// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Two clients that are at one restore, or at one point, in turns.
@Suite struct RestoreTurnsTests {
  /// Runs two clients in turns on scenes that are alike, each to its end, and then one that settles.
  ///
  /// - Parameters:
  ///   - kind: What is under way when they begin, all of it copied; nil for nothing.
  ///   - ways: How many ways are tried.
  ///   - pause: Seconds that pass when another client has its turn.
  ///   - work: What a client does, by its number.
  ///   - check: Looks at what is left.
  /// - Throws: When a scene cannot be made or settled.
  private func interleave(
    _ kind: RestoreKilledTests.Kind?, ways: Int, pause: Int64 = 0,
    _ work: @escaping @Sendable (Engine, Int, RestoreScene) throws -> Void,
    _ check: (RestoreScene, [Clients.Ending], String) -> Void
  ) throws {
    var scene = try RestoreScene(exists: true)
    try Clients.interleave(ways: ways) { segments, clients in
      scene = try RestoreScene(exists: kind?.exists ?? false)
      if let kind {
        scene.run(1) { try RestoreKilledTests.restore($0, scene, kind) }
        scene.machine.copyAll()
      }
      let shared = Clients.Box(scene), last = Clients.Box(0)
      return Clients.run(segments, clients: clients) { client, observer, step in
        shared.value.engine(of: client + 2, observer: observer) {
          step($0)
          if last.value != client { shared.value.pool.time += pause }
          last.value = client
        }
      } _: { engine, client in
        try work(engine, client, shared.value)
      }
    } _: { found, way in
      try scene.settle()
      check(scene, found.endings, way)
    }
  }

  @Test(arguments: [RestoreKilledTests.Kind.async, .asyncOverwrite])
  func `two clients that settle a restore end it once`(kind: RestoreKilledTests.Kind) throws {
    try interleave(kind, ways: 40) { engine, _, scene in
      try engine.settle(domainUUID: scene.uuid)
    } _: { scene, endings, way in
      #expect(scene.outcome == .new, "\(way): \(endings)")
      for case .failed(let why) in endings { Issue.record("\(way): \(why)") }
    }
  }

  @Test(arguments: [RestoreKilledTests.Kind.async, .asyncOverwrite])
  func `a client that stands still for minutes is overtaken, and does no harm`(
    kind: RestoreKilledTests.Kind
  ) throws {
    var overtaken = 0
    try interleave(kind, ways: 40, pause: 2 * Journal.setupLimit) { engine, _, scene in
      try engine.settle(domainUUID: scene.uuid)
    } _: { scene, endings, way in
      // A mirror that both tell to end is cancelled.
      let outcome = scene.outcome
      #expect(outcome == .new || outcome == .old, "\(way): \(outcome) \(endings)")
      for case .done(let notices) in endings where !notices.isEmpty { overtaken += 1 }
      for case .failed(let why) in endings { Issue.record("\(way): \(why)") }
    }
    #expect(overtaken > 0)
  }

  @Test(arguments: [RestoreKilledTests.Kind.async, .asyncOverwrite])
  func `of one that settles a restore and one that aborts it one has its way`(
    kind: RestoreKilledTests.Kind
  ) throws {
    var outcomes: Set<Bool> = []
    try interleave(kind, ways: 40) { engine, client, scene in
      if client == 0 {
        try engine.settle(domainUUID: scene.uuid)
      } else {
        do {
          try engine.abort(domainUUID: scene.uuid)
        } catch let error as BackupError where [.busy, .invalid].contains(error.code) {
          // The other client was faster.
        }
      }
    } _: { scene, endings, way in
      let outcome = scene.outcome
      #expect(outcome == .old || outcome == .new, "\(way): \(outcome) \(endings)")
      for case .failed(let why) in endings { Issue.record("\(way): \(why)") }
      outcomes.insert(outcome == .new)
    }
    #expect(outcomes == [false, true])
  }

  @Test func `of one that deletes a point and one that restores it both may not succeed in half`()
    throws
  {
    var outcomes: Set<String> = []
    try interleave(nil, ways: 40) { engine, client, scene in
      do {
        if client == 0 {
          _ = try engine.delete([scene.manifest.uuid], of: scene.manifest.domainUUID)
        } else {
          try RestoreKilledTests.restore(engine, scene, .plain)
        }
      } catch let error as BackupError where [.busy, .notFound].contains(error.code) {
        // The other client was faster.
      }
    } _: { scene, endings, way in
      let isDeleted = scene.isDeleted
      let outcome = isDeleted ? scene.outcomeWithoutPoint : scene.outcome
      #expect(outcome == .old || outcome == .new, "\(way): \(outcome) \(endings)")
      for case .failed(let why) in endings { Issue.record("\(way): \(why)") }
      outcomes.insert("\(isDeleted) \(outcome)")
    }
    #expect(outcomes.count >= 2, "\(outcomes)")
  }
}
