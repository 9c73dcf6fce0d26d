// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Tests how a client settles a restore that it finds, in each of the restore's states.
@Suite struct RestoreSettleTests {
  /// The progress that a restore had made when its client went.
  enum Progress {
    /// The restore is written down.
    case begun
    /// The jobs that copy the disks are under way.
    case copying
    /// The data is whole, and noted as that.
    case whole
    /// The files have their names.
    case named
    /// The domain has them.
    case defined
    /// Its client has ended, which does not wait.
    case left
  }

  /// A change after the client went, and before another one settles.
  enum Change {
    case nothing, copied, failed, helperGone, timePassed, freshMark, untrusted, fixed, started
    case redefined, snapshot, nameTaken, deadClaim, claimed
  }

  /// A state, and what becomes of it.
  struct Found: CustomTestStringConvertible {
    var kind: RestoreKilledTests.Kind
    var progress: Progress
    /// The client that began the restore.
    var client = RestoreScene.dead
    var change = Change.nothing
    var settlement: Settlement
    /// The state that is left; nil where that is neither the old nor the new one.
    var outcome: RestoreScene.Outcome?

    init(
      _ kind: RestoreKilledTests.Kind, _ progress: Progress, of client: Int = RestoreScene.dead,
      _ change: Change = .nothing, is settlement: Settlement, _ outcome: RestoreScene.Outcome? = nil
    ) {
      self.kind = kind
      self.progress = progress
      self.client = client
      self.change = change
      self.settlement = settlement
      self.outcome = outcome
    }

    var testDescription: String { "\(kind) \(progress) of client \(client), \(change)" }
  }

  private static let states: [Found] = [
    // New files, whose client waits.
    .init(.plain, .begun, is: .undone, .old),
    .init(.plain, .copying, is: .undone, .old),
    .init(.plain, .whole, is: .finished, .new),
    .init(.plain, .named, is: .finished, .new),
    .init(.plain, .defined, is: .finished, .new),
    .init(.plain, .begun, of: 1, is: .running),
    .init(.plain, .copying, of: 1, .timePassed, is: .running),
    .init(.plain, .whole, of: 1, .timePassed, is: .running),
    .init(.plain, .begun, of: RestoreScene.unknown, is: .running),
    .init(.plain, .begun, of: RestoreScene.unknown, .timePassed, is: .undone, .old),
    .init(.plain, .whole, of: RestoreScene.unknown, is: .running),
    .init(.plain, .whole, of: RestoreScene.unknown, .timePassed, is: .finished, .new),
    .init(.plain, .copying, .untrusted, is: .undone),
    .init(.plain, .whole, .untrusted, is: .undone),
    .init(.plain, .whole, .fixed, is: .running),
    .init(.plain, .whole, .nameTaken, is: .undone),
    // Over a domain, whose client waits.
    .init(.overwrite, .begun, is: .undone, .old),
    .init(.overwrite, .copying, is: .undone, .old),
    .init(.overwrite, .whole, is: .undone, .old),
    .init(.overwrite, .named, is: .undone, .old),
    .init(.overwrite, .defined, is: .finished, .new),
    .init(.overwrite, .whole, of: 1, .timePassed, is: .running),
    .init(.overwrite, .whole, of: RestoreScene.unknown, .freshMark, is: .running),
    .init(.overwrite, .whole, of: RestoreScene.unknown, .timePassed, is: .undone, .old),
    .init(.overwrite, .defined, of: RestoreScene.unknown, .timePassed, is: .finished, .new),
    .init(.overwrite, .whole, .fixed, is: .running),
    .init(.overwrite, .whole, .untrusted, is: .undone),
    // Asynchronous restores, for which no client waits.
    .init(.async, .begun, is: .undone, .old),
    .init(.async, .begun, of: 1, is: .running),
    .init(.async, .left, of: 1, is: .running),
    .init(.async, .left, .copied, is: .finished, .new),
    .init(.async, .left, of: 1, .copied, is: .finished, .new),
    .init(.async, .left, .failed, is: .undone, .old),
    .init(.async, .left, .helperGone, is: .undone, .old),
    .init(.async, .left, of: 1, .helperGone, is: .running),
    .init(.async, .left, .fixed, is: .running),
    .init(.async, .left, .claimed, is: .running),
    .init(.async, .left, .deadClaim, is: .finished, .new),
    .init(.async, .left, .nameTaken, is: .undone),
    .init(.asyncOverwrite, .begun, is: .undone, .old),
    .init(.asyncOverwrite, .left, is: .running),
    .init(.asyncOverwrite, .left, .copied, is: .finished, .new),
    .init(.asyncOverwrite, .left, .failed, is: .undone, .old),
    .init(.asyncOverwrite, .left, .helperGone, is: .undone, .old),
    .init(.asyncOverwrite, .left, .fixed, is: .running),
    .init(.asyncOverwrite, .left, .claimed, is: .running),
    .init(.asyncOverwrite, .left, .deadClaim, is: .finished, .new),
    .init(.asyncOverwrite, .left, .started, is: .undone, .old),
    .init(.asyncOverwrite, .left, .redefined, is: .undone, .old),
    .init(.asyncOverwrite, .left, .snapshot, is: .undone, .old),
  ]

  @Test(arguments: states)
  func `a restore that is found is finished, undone or left alone`(found: Found) throws {
    var scene = try RestoreScene(exists: found.kind.exists)
    if found.change == .untrusted { scene.pool.isTrusted = false }
    let stop = Stop(scene, found.progress)
    scene.run(found.client, killedWhen: stop.isReached) {
      try RestoreKilledTests.restore(
        $0, scene, found.kind, into: found.change == .untrusted ? "/images" : nil)
    }
    try apply(found.change, to: &scene)

    let partial = try #require(scene.pending.first).partial
    let settled = try scene.engine(of: 9).settle(domainUUID: scene.uuid)
    #expect(settled == [partial.uuid: found.settlement])
    if let outcome = found.outcome {
      // Notes whose operation is over go with the next command.
      try scene.engine(of: 9).settle(domainUUID: scene.uuid)
      #expect(scene.outcome == outcome)
    }
    #expect(scene.pending.isEmpty == (found.settlement != .running))
    if found.change == .untrusted {
      #expect(!scene.machine.files.paths(in: "/images").isEmpty, "what is not proved ours stays")
    }
  }

  /// The moment at which the client of a restore is killed.
  private struct Stop {
    let scene: RestoreScene
    let progress: Progress
    let before: FakeMachine.Domain?

    init(_ scene: RestoreScene, _ progress: Progress) {
      self.scene = scene
      self.progress = progress
      before = scene.machine.domains[scene.uuid]
    }

    func isReached() -> Bool {
      guard let pending = scene.pending.first else { return false }
      let disks = pending.partial.restore?.disks ?? []
      let isWhole = scene.pool.contents[pending.mark]?.isEmpty == false
      switch progress {
      case .begun: return true
      case .copying:
        return scene.machine.helpers.values.contains { $0.qemu.jobs.count == disks.count }
      case .whole: return isWhole
      case .named:
        return isWhole && disks.allSatisfy { scene.machine.files[$0.temporaryPath] == nil }
      case .defined: return scene.machine.domains[scene.uuid]?.text != before?.text
      case .left: return false
      }
    }
  }

  private func apply(_ change: Change, to scene: inout RestoreScene) throws {
    let machine = scene.machine
    let pending = try #require(scene.pending.first)
    switch change {
    case .nothing, .untrusted: break
    case .copied: machine.copyAll()
    case .failed: machine.copyAll(error: "No space left on device")
    case .helperGone: machine.helpers = [:]
    case .timePassed: scene.pool.time += 2 * Journal.setupLimit
    case .freshMark:
      scene.pool.time += 2 * Journal.setupLimit
      scene.pool.replace(pending.mark, Array("done\n".utf8))
    case .fixed:
      machine.copyAll()
      machine.unrenamable = ["/images"]
    case .started:
      machine.copyAll()
      try machine.start(scene.uuid)
    case .redefined:
      machine.copyAll()
      try machine.define(
        RestoreScene.definition(disks: ["vda.img", "vdb.img"], more: "<title>other</title>"))
    case .snapshot:
      machine.copyAll()
      machine.domains[scene.uuid]?.instants = [
        "<domainsnapshot><name>s</name></domainsnapshot>"
      ]
    case .nameTaken:
      machine.copyAll()
      machine.domains[World.makeUUID(0xd1)] = .init(
        name: "web1",
        text: "<domain type='kvm'><name>web1</name><uuid>\(World.makeUUID(0xd1))</uuid></domain>")
    case .claimed, .deadClaim:
      machine.copyAll()
      let client = change == .claimed ? 1 : RestoreScene.dead
      scene.pool.put(pending.claim(1), scene.process(of: client).owner.text)
    }
    if [.started, .redefined, .snapshot].contains(change) { scene.noteDomain() }
  }
}
