// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import TestSupport
import Testing

@testable import Backup
@testable import BackupCore

/// Deletes whose client is killed before each of its changes.
@Suite struct DeleteKilledTests {
  /// A way to delete.
  struct Kind: CustomTestStringConvertible {
    var points: [String]
    var scope = DeleteScope.point
    var disks: [String] = []
    var isAsync = false
    /// The names of the points that are listed afterwards.
    var rest: [String]

    var testDescription: String {
      (points + disks + [scope == .point ? "" : "\(scope)", isAsync ? "async" : ""])
        .filter { !$0.isEmpty }.joined(separator: " ")
    }

    static let newest = Kind(points: ["d"], rest: ["a", "b", "c", "e"])
    static let oldest = Kind(points: ["a"], rest: ["b", "c", "d", "e"])
    static let middle = Kind(points: ["b"], rest: ["a", "c", "d", "e"])
    /// The point on which the next one stands.
    static let base = Kind(points: ["e"], rest: ["a", "b", "c", "d"])
    static let several = Kind(points: ["a", "c", "e"], rest: ["b", "d"])
    static let children = Kind(points: ["c"], scope: .withChildren, rest: ["a", "b", "e"])
    static let disk = Kind(points: ["c"], disks: ["vda"], rest: ["a", "b", "c vdb", "d", "e"])
    static let async = Kind(points: ["b"], isAsync: true, rest: ["a", "c", "d", "e"])
    static let asyncSeveral = Kind(points: ["a", "c"], isAsync: true, rest: ["b", "d", "e"])

    /// Deletes the points of a scene, unless a delete of them was done as a whole.
    func delete(_ engine: Engine) throws {
      let catalog = try engine.catalog()
      let isThere = catalog.points.contains { point in
        points.contains(point.manifest.name) && disks.allSatisfy(point.has)
      }
      guard isThere || catalog.pending.contains(where: { $0.partial.isDelete })
      else { return }
      _ = try engine.delete(
        points, of: World.domainUUID, scope: scope, disks: disks, isAsync: isAsync)
    }
  }

  /// The kinds of which a client is killed before every change; of the others `make check-long` does that.
  private static let everywhere: Set<String> = Set(
    [Kind.newest, .middle, .disk, .async].map(\.testDescription))

  static let all = ["a", "b", "c", "d", "e"]
  static let waiting: [Kind] = [
    .newest, .oldest, .middle, .several, .children, .disk,
  ]
  static let asynchronous: [Kind] = [.async, .asyncSeveral]

  @Test(arguments: waiting + asynchronous)
  func `a delete whose client lives takes away what it shall`(kind: Kind) throws {
    let scene = try DeleteScene()
    #expect(scene.faults == [] && scene.strays() == [])
    #expect(scene.run(1, kind.delete).error == nil)
    #expect(scene.faults == [])
    if kind.isAsync { #expect(scene.listed == DeleteKilledTests.all && !scene.pending.isEmpty) }
    try scene.settle()
    #expect(scene.faults == [] && scene.strays() == [] && scene.listed == kind.rest)
  }

  @Test(arguments: waiting + asynchronous)
  func `whenever its client is killed, another ends a delete, and the points that stay are right`(
    kind: Kind
  ) throws {
    let stride =
      DeleteKilledTests.everywhere.contains(kind.testDescription) ? 1 : max(1, 3 / Rounds.count(1))
    for change in (0...).lazy.map({ $0 * stride }) {
      let scene = try DeleteScene()
      let found = scene.run(
        killedBefore: change, killsHelpers: change.isMultiple(of: 2), kind.delete)
      let way = "killed before change \(change)"
      #expect(found.error == nil, "\(way)")
      if !kind.isAsync, change % 3 == 1, !scene.pending.isEmpty {
        // Its user gives the same command again, which ends what was left.
        #expect(scene.run(1, kind.delete).error == nil, "\(way)")
        #expect(scene.listed == kind.rest, "\(way): \(scene.listed)")
      }
      try end(kind, scene, way)
      guard found.isKilled else { break }
    }
  }

  @Test(arguments: [Kind.disk, .async])
  func `whenever the client that settles a delete is killed, another ends it`(kind: Kind) throws {
    for change in 0... {
      let scene = try DeleteScene()
      scene.run(killedWhen: { kind.isAsync ? false : !scene.pending.isEmpty }, kind.delete)
      scene.machine.copyAll()
      let found = scene.run(killedBefore: change, killsHelpers: change.isMultiple(of: 2)) {
        try $0.settle(domainUUID: scene.uuid)
      }
      try end(kind, scene, "killed before change \(change)")
      guard found.isKilled else { break }
    }
  }

  /// Settles what is left, looks at it, and does the same again.
  private func end(_ kind: Kind, _ scene: DeleteScene, _ way: String) throws {
    #expect(scene.faults == [], "\(way)")
    try scene.settle()
    #expect(scene.faults == [] && scene.strays() == [], "\(way)")
    let isDone = scene.listed == kind.rest
    #expect(isDone || scene.listed == DeleteKilledTests.all, "\(way): \(scene.listed)")
    guard !isDone else { return }
    #expect(scene.run(1, kind.delete).error == nil, "\(way)")
    try scene.settle()
    #expect(
      scene.faults == [] && scene.strays() == [] && scene.listed == kind.rest,
      "\(way), and once more: \(scene.listed)")
  }
}
