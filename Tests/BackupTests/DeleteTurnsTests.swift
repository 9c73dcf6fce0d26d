// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import TestSupport
import Testing

@testable import Backup
@testable import BackupCore

/// Two clients of which one deletes, in turns.
@Suite struct DeleteTurnsTests {
  private typealias Kind = DeleteKilledTests.Kind
  /// The work of a client.
  private typealias Work = @Sendable (Engine) throws -> Void

  /// How far the steps lie apart before which a client stops; none is left out by `make check-long`.
  private static let stride = max(1, 20 / Rounds.count(1))

  /// Lets each of two clients do all of its work before steps of the other, and both stop in some of the
  /// ways in which each does.
  ///
  /// - Parameters:
  ///   - make: Makes the scene that they find.
  ///   - works: What they do.
  ///   - ways: How many of the ways in which both stop are tried.
  ///   - check: Looks at what is left, once a client has settled.
  /// - Throws: When a scene cannot be made or settled.
  private func interleave(
    _ make: () throws -> DeleteScene, _ works: [Work], ways: Int,
    _ check: (DeleteScene, [Clients.Ending], String) -> Void
  ) throws {
    func end(_ scene: DeleteScene, _ endings: [Clients.Ending], _ way: String) throws {
      for case .failed(let why) in endings where why != "\(Killed())" {
        Issue.record("\(way): \(why)")
      }
      #expect(scene.faults == [], "\(way): \(endings)")
      try scene.settle()
      #expect(scene.faults == [], "\(way): \(endings)")
      check(scene, endings, "\(way): \(endings)")
    }
    for first in works.indices {
      let alone = try make().interrupt(before: nil, works[first], by: { _ in }).steps
      var changed: Set<String>?
      var place = -1
      for step in alone.indices {
        // A volume that the other one did not change looks the same before its turn and after.
        switch step > 0 ? alone[step - 1] : .change {
        case .nothing: continue
        case .look(let volume?) where changed?.contains(volume) == false: continue
        case .look, .change: place += 1
        }
        guard place.isMultiple(of: DeleteTurnsTests.stride) else { continue }
        let scene = try make()
        let found = scene.interrupt(before: step, works[first], by: works[1 - first])
        changed = found.changed
        let endings = first == 0 ? found.endings : found.endings.reversed()
        try end(scene, endings, "\(first) stops at \(step)")
      }
    }
    var scene = try make()
    try Clients.interleave(ways: ways) { segments, clients in
      scene = try make()
      let shared = Clients.Box(scene)
      return Clients.run(segments, clients: clients) { client, observer, step in
        shared.value.engine(of: client + 2, observer: observer, step: step)
      } _: { engine, client in
        try works[client](engine)
      }
    } _: { found, way in
      try end(scene, found.endings, way)
    }
  }

  /// Does something that is refused, or for which there is nothing left, where another client is faster.
  private static func whereFree(
    or code: BackupError.Code = .busy, _ work: () throws -> Void
  ) throws {
    do {
      try work()
    } catch let error as BackupError where [.busy, .notFound, .invalid, code].contains(error.code) {
      // The other client was faster.
    }
  }

  private static let settles: Work = { try $0.settle(domainUUID: World.domainUUID) }

  @Test func `two clients that settle a delete end it once`() throws {
    try interleave(
      {
        let scene = try DeleteScene()
        scene.run(killedWhen: { !scene.pending.isEmpty }, Kind.middle.delete)
        return scene
      }, [DeleteTurnsTests.settles, DeleteTurnsTests.settles], ways: 4
    ) { scene, _, way in
      #expect(scene.listed == Kind.middle.rest && scene.strays() == [], "\(way)")
    }
  }

  @Test func `two clients that settle an asynchronous delete end it once`() throws {
    try interleave(
      {
        let scene = try DeleteScene()
        scene.run { try Kind.async.delete($0) }
        scene.machine.copyAll()
        return scene
      }, [DeleteTurnsTests.settles, DeleteTurnsTests.settles], ways: 4
    ) { scene, _, way in
      #expect(scene.listed == Kind.async.rest && scene.strays() == [], "\(way)")
    }
  }

  @Test func `of one that settles a delete and one that aborts it one has its way`() throws {
    var outcomes: Set<Bool> = []
    try interleave(
      {
        let scene = try DeleteScene()
        scene.run { try Kind.async.delete($0) }
        return scene
      },
      [
        { engine in
          // The copies end between its two looks.
          try engine.settle(domainUUID: World.domainUUID)
          if let pending = try engine.catalog().pending.first {
            _ = try? engine.context.guest(of: pending.partial)?.monitor
              .nextEvent(timeoutMilliseconds: 0)
          }
          try engine.settle(domainUUID: World.domainUUID)
        },
        { engine in
          try DeleteTurnsTests.whereFree { try engine.abort(domainUUID: World.domainUUID) }
        },
      ], ways: 4
    ) { scene, _, way in
      let isDone = scene.listed == Kind.async.rest
      #expect(isDone || scene.listed == DeleteKilledTests.all, "\(way): \(scene.listed)")
      #expect(scene.strays() == [], "\(way)")
      outcomes.insert(isDone)
    }
    #expect(outcomes == [false, true])
  }

  @Test(arguments: [DeleteKilledTests.Kind.oldest, .newest])
  func `a restore has all of its point, or none, while another client deletes`(
    kind: DeleteKilledTests.Kind
  ) throws {
    var outcomes: Set<String> = []
    try interleave(
      { try DeleteScene() },
      [
        { engine in try DeleteTurnsTests.whereFree { try kind.delete(engine) } },
        { engine in
          // The restore may read what the other one is deleting.
          try DeleteTurnsTests.whereFree(or: .failed) {
            let point = try engine.catalog().point("d", of: World.domainUUID)
            _ = try engine.restore(
              point, options: .init(.original), emulators: [], deadline: nil, willWrite: {})
          }
        },
      ], ways: 4
    ) { scene, _, way in
      let isDeleted = scene.listed == kind.rest
      #expect(isDeleted || scene.listed == DeleteKilledTests.all, "\(way): \(scene.listed)")
      #expect(scene.strays() == [], "\(way)")
      let isRestored = scene.machine.domains[scene.uuid] != nil
      for disk in ["vda", "vdb"] {
        let image = scene.machine.files["/images/\(disk).img"].flatMap(ChainImage.init)
        #expect(image?.clusters == (isRestored ? scene.before.data["d"]?[disk] : nil), "\(way)")
      }
      outcomes.insert("\(isDeleted) \(isRestored)")
    }
    #expect(outcomes.count > 1, "\(outcomes)")
  }

  @Test(arguments: [DeleteKilledTests.Kind.middle, .base])
  func `a backup is whole, or is none, while another client deletes what it stands on`(
    kind: DeleteKilledTests.Kind
  ) throws {
    var outcomes: Set<String> = []
    try interleave(
      { try DeleteScene(hasDomain: true) },
      [
        { engine in try DeleteTurnsTests.whereFree { try kind.delete(engine) } },
        { engine in
          try DeleteTurnsTests.whereFree {
            _ = try engine.create(
              domainUUID: World.domainUUID, options: .init(name: "f"), isAsync: false,
              deadline: nil)
          }
        },
      ], ways: 4
    ) { scene, _, way in
      let isMade = scene.listed.contains("f"), isDeleted = !scene.listed.contains(kind.points[0])
      let rest = isDeleted ? kind.rest : DeleteKilledTests.all
      #expect(scene.listed == rest + (isMade ? ["f"] : []), "\(way)")
      #expect(scene.strays() == [], "\(way)")
      outcomes.insert("\(isMade) \(isDeleted)")
    }
    #expect(outcomes.contains("true true"), "\(outcomes)")
  }
}
