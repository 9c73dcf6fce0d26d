// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Tests how a client settles a delete that it finds, in each of the delete's states.
@Suite struct DeleteSettleTests {
  /// The progress that a delete had made when its client went.
  enum Progress {
    /// The delete is written down.
    case begun
    /// The jobs that copy what others need are under way.
    case copying
    /// The client has noted that volumes have on disk what they need.
    case noted
    /// The volumes stand on what they shall stand on.
    case linked
    /// The points that stay are listed as they will be.
    case rewritten
    /// A point is not listed any more.
    case unlisted
    /// A volume is gone.
    case cleared
    /// Its client has ended, which does not wait.
    case left
  }

  /// A change after the client went, and before another one settles.
  enum Change {
    case nothing, timePassed, copied, failed, unwritable, helperGone, helperKilled
    /// A user protected the point.
    case protected
    /// A volume that is of no backup stands on one that goes.
    case needed
  }

  /// A state, and what becomes of it.
  struct Found: CustomTestStringConvertible {
    var kind: DeleteKilledTests.Kind
    var progress: Progress
    /// The client that began the delete.
    var client = DeleteScene.dead
    var change = Change.nothing
    var settlement: Settlement

    init(
      _ kind: DeleteKilledTests.Kind, _ progress: Progress, of client: Int = DeleteScene.dead,
      _ change: Change = .nothing, is settlement: Settlement
    ) {
      self.kind = kind
      self.progress = progress
      self.client = client
      self.change = change
      self.settlement = settlement
    }

    var testDescription: String { "\(kind) \(progress) of client \(client), \(change)" }
  }

  private static let states: [Found] = [
    // Nothing is merged.
    .init(.newest, .begun, is: .finished),
    .init(.newest, .unlisted, is: .finished),
    .init(.newest, .cleared, is: .finished),
    .init(.newest, .begun, of: 1, .timePassed, is: .running),
    .init(.newest, .unlisted, of: 1, is: .running),
    .init(.newest, .begun, of: DeleteScene.unknown, is: .running),
    .init(.newest, .begun, of: DeleteScene.unknown, .timePassed, is: .finished),
    .init(.newest, .begun, .needed, is: .undone),
    .init(.newest, .begun, .protected, is: .undone),
    // Others need what goes, and the client waits.
    .init(.middle, .begun, is: .finished),
    .init(.middle, .copying, is: .finished),
    .init(.middle, .noted, is: .finished),
    .init(.middle, .linked, is: .finished),
    .init(.middle, .rewritten, is: .finished),
    .init(.middle, .unlisted, is: .finished),
    .init(.middle, .cleared, is: .finished),
    .init(.several, .copying, is: .finished),
    .init(.several, .linked, is: .finished),
    .init(.disk, .linked, is: .finished),
    .init(.middle, .begun, of: 1, .timePassed, is: .running),
    .init(.middle, .copying, of: 1, .timePassed, is: .running),
    .init(.middle, .copying, of: 1, .copied, is: .running),
    .init(.middle, .linked, of: 1, is: .running),
    .init(.middle, .cleared, of: 1, is: .running),
    .init(.middle, .copying, of: DeleteScene.unknown, is: .running),
    .init(.middle, .copying, of: DeleteScene.unknown, .timePassed, is: .running),
    .init(.middle, .copying, of: DeleteScene.unknown, .helperKilled, is: .running),
    .init(.middle, .rewritten, of: DeleteScene.unknown, is: .running),
    .init(.middle, .rewritten, of: DeleteScene.unknown, .timePassed, is: .finished),
    .init(.middle, .begun, .needed, is: .undone),
    .init(.middle, .copying, .needed, is: .undone),
    .init(.middle, .linked, .needed, is: .undone),
    .init(.middle, .rewritten, .needed, is: .undone),
    .init(.middle, .begun, .protected, is: .undone),
    .init(.middle, .linked, .protected, is: .undone),
    // Asynchronous deletes, for which no client waits.
    .init(.async, .begun, is: .finished),
    .init(.async, .left, is: .running),
    .init(.async, .left, .copied, is: .finished),
    .init(.async, .left, of: 1, .copied, is: .finished),
    .init(.async, .left, of: DeleteScene.unknown, .copied, is: .finished),
    .init(.async, .left, .failed, is: .undone),
    .init(.async, .left, .unwritable, is: .undone),
    .init(.async, .left, .helperGone, is: .finished),
    .init(.async, .left, .helperKilled, is: .finished),
    .init(.async, .left, of: 1, .helperKilled, is: .running),
    .init(.async, .left, of: DeleteScene.unknown, .helperKilled, is: .running),
    // The merges that waited for the first go on by themselves too.
    .init(.asyncSeveral, .left, .copied, is: .running),
    .init(.asyncSeveral, .left, .unwritable, is: .undone),
  ]

  @Test(arguments: states)
  func `a delete that is found is finished, undone or left alone`(found: Found) throws {
    let scene = try DeleteScene()
    scene.run(
      found.client, killedWhen: { isReached(found.progress, in: scene) },
      standsStill: found.client != DeleteScene.dead, found.kind.delete)
    let partial = try #require(scene.pending.first).partial
    try apply(found.change, to: scene)

    let settled = try scene.engine(of: 9).settle(domainUUID: scene.uuid)
    #expect(settled == [partial.uuid: found.settlement])
    #expect(scene.faults == [])
    #expect(scene.pending.isEmpty == (found.settlement != .running))
    guard found.settlement != .running else { return }
    let isDone = found.settlement == .finished
    #expect(scene.listed == (isDone ? found.kind.rest : DeleteKilledTests.all))
    // Notes whose operation is over go with the next command.
    try scene.engine(of: 9).settle(domainUUID: scene.uuid)
    #expect(scene.strays(besides: found.change == .needed ? ["mine"] : []) == [])
  }

  @Test(
    arguments: [DeleteKilledTests.Kind.middle, .several], [1, DeleteScene.unknown])
  func `a delete whose client is dead is left to the client that has taken it over`(
    kind: DeleteKilledTests.Kind, client: Int
  ) throws {
    let scene = try DeleteScene()
    scene.run(killedWhen: { isReached(.begun, in: scene) }, kind.delete)
    scene.run(client, killedWhen: { isReached(.copying, in: scene) }, standsStill: true) {
      try $0.settle(domainUUID: scene.uuid)
    }
    let partial = try #require(scene.pending.first).partial
    let helpers = scene.machine.helpers.keys.sorted()
    #expect(try scene.engine(of: 9).settle(domainUUID: scene.uuid) == [partial.uuid: .running])
    #expect(scene.machine.helpers.keys.sorted() == helpers && !helpers.isEmpty)
    #expect(scene.faults == [])
  }

  /// Tells that a delete has come as far as that.
  private func isReached(_ progress: Progress, in scene: DeleteScene) -> Bool {
    guard let pending = scene.pending.first, let delete = pending.partial.delete
    else { return false }
    let pool = scene.pool, contents = scene.before.contents
    switch progress {
    case .begun: return true
    case .copying:
      // Some of a disk's are begun later.
      return scene.machine.helpers.values.contains { !$0.qemu.jobs.isEmpty }
    case .noted: return pool.contents[pending.mergedNote]?.isEmpty == false
    case .linked:
      return delete.merges.contains { merge in
        pool.contents[merge.volume].flatMap(ChainImage.init).map { $0.backing == merge.backing }
          == true
      }
    case .rewritten:
      return delete.manifests.allSatisfy { manifest in
        let volume = manifest.volumeNames.manifest
        return pool.contents[volume] != contents[volume]
      }
    case .unlisted: return delete.points.contains { pool.contents[$0.manifest] == nil }
    case .cleared: return delete.points.flatMap(\.volumes).contains { pool.contents[$0] == nil }
    case .left: return false
    }
  }

  private func apply(_ change: Change, to scene: DeleteScene) throws {
    let machine = scene.machine
    let pending = try #require(scene.pending.first)
    guard let delete = pending.partial.delete else { return }
    switch change {
    case .nothing: break
    case .timePassed: scene.pool.time += 2 * Journal.setupLimit
    case .copied: machine.copyAll()
    case .failed: machine.copyAll(error: "No space left on device")
    case .unwritable:
      machine.copyAll()
      for helper in machine.helpers.values {
        helper.qemu.broken = Set(helper.qemu.unwritten.keys)
      }
    case .helperGone, .helperKilled:
      for name in machine.helpers.keys {
        machine.endHelper(name, isKilled: change == .helperKilled)
      }
    case .protected:
      let point = try #require(delete.points.first)
      let text = try Catalog.text(of: point.manifest, in: scene.pool)
      var manifest = try Manifest(parsing: text)
      manifest.isProtected = true
      scene.pool.put(point.manifest, try manifest.xml())
    case .needed:
      let volume = try #require(delete.points.first?.volumes.first)
      scene.pool.contents["mine"] = ChainImage(on: volume).bytes
    }
  }

  /// A user aborts an asynchronous delete, and finds so much of it.
  @Test(arguments: [Change.nothing, .copied, .failed, .unwritable, .helperKilled])
  func `an asynchronous delete is aborted, and every point stays`(change: Change) throws {
    let scene = try DeleteScene()
    scene.run { try DeleteKilledTests.Kind.async.delete($0) }
    try apply(change, to: scene)
    // A delete that has copied all is settled first, and then there is nothing to abort.
    let isDone = change == .copied || change == .helperKilled
    do {
      try scene.engine(of: 9).abort(domainUUID: scene.uuid)
      #expect(!isDone)
    } catch let error as BackupError where error.code == .invalid {
      #expect(isDone)
    }
    #expect(scene.faults == [] && scene.strays() == [])
    #expect(scene.listed == (isDone ? DeleteKilledTests.Kind.async.rest : DeleteKilledTests.all))
  }
}
