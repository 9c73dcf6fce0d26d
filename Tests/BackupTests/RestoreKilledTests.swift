// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Restores whose client is killed before each of its changes.
@Suite struct RestoreKilledTests {
  /// A way to restore.
  enum Kind: CaseIterable {
    case plain, overwrite, async, asyncOverwrite

    var exists: Bool { self == .overwrite || self == .asyncOverwrite }
    var isAsync: Bool { self == .async || self == .asyncOverwrite }
  }

  /// Restores the point of a scene.
  ///
  /// - Parameters:
  ///   - engine: A client's.
  ///   - scene: The scene.
  ///   - kind: How.
  ///   - directory: Where the disks go; nil for where they were.
  /// - Throws: What the engine throws.
  static func restore(
    _ engine: Engine, _ scene: RestoreScene, _ kind: Kind, into directory: String? = nil
  ) throws {
    guard let point = try engine.catalog().point(uuid: scene.manifest.uuid) else { return }
    _ = try engine.restore(
      point,
      options: .init(
        kind.exists ? .over(keepsOld: false) : .original, targetDirectory: directory),
      emulators: [], isAsync: kind.isAsync, deadline: nil, willWrite: {})
  }

  @Test(arguments: Kind.allCases)
  func `a restore whose client lives is whole in the end`(kind: Kind) throws {
    let scene = try RestoreScene(exists: kind.exists)
    let found = scene.run(1) { try RestoreKilledTests.restore($0, scene, kind) }
    #expect(found.error == nil)
    try scene.settle()
    #expect(scene.outcome == .new)
  }

  @Test(arguments: Kind.allCases)
  func `whenever its client is killed, another ends a restore as a whole or leaves nothing of it`(
    kind: Kind
  ) throws {
    var outcomes: Set<Bool> = []
    for change in 0... {
      let scene = try RestoreScene(exists: kind.exists)
      let found = scene.run(killedBefore: change) {
        try RestoreKilledTests.restore($0, scene, kind)
      }
      guard found.isKilled else { break }
      try scene.settle()
      let outcome = scene.outcome
      #expect(outcome == .old || outcome == .new, "killed before change \(change): \(outcome)")
      outcomes.insert(outcome == .new)
    }
    // One that does not wait has ended when all of its copies run.
    #expect(outcomes == (kind.isAsync ? [false] : [false, true]))
  }

  @Test(arguments: [Kind.async, .asyncOverwrite])
  func `whenever the client that ends a restore is killed, another ends it`(kind: Kind) throws {
    var outcomes: Set<Bool> = []
    for change in 0... {
      let scene = try RestoreScene(exists: kind.exists)
      scene.run(1) { try RestoreKilledTests.restore($0, scene, kind) }
      scene.machine.copyAll()
      let found = scene.run(killedBefore: change) { try $0.settle(domainUUID: scene.uuid) }
      try scene.settle()
      let outcome = scene.outcome
      #expect(outcome == .old || outcome == .new, "killed before change \(change): \(outcome)")
      outcomes.insert(outcome == .new)
      guard found.isKilled else { break }
    }
    // A flush that was begun and not told is not done again: all is undone then.
    #expect(outcomes == [false, true])
  }

  @Test func `whenever its client is killed, a restore that keeps what was there has kept all`()
    throws
  {
    func restore(_ engine: Engine, _ scene: RestoreScene) throws {
      guard let point = try engine.catalog().point(uuid: scene.manifest.uuid) else { return }
      _ = try engine.restore(
        point, options: .init(.over(keepsOld: true)), emulators: [], deadline: nil, willWrite: {})
    }
    for change in 0... {
      let scene = try RestoreScene(exists: true)
      let before = scene.machine.domains[scene.uuid]
      let found = scene.run(killedBefore: change) { try restore($0, scene) }
      try scene.settle()
      let isNew = scene.machine.domains[scene.uuid] != before
      #expect(
        scene.tpmStates == (isNew ? ["new tpm", "old tpm"] : ["old tpm"]), "killed before \(change)"
      )
      for path in ["/images/vda.img", "/images/vdb.img", "/nvram/web1_VARS.fd"] {
        #expect(scene.machine.files[path] != nil, "killed before \(change)")
      }
      guard found.isKilled else { break }
    }
  }
}
