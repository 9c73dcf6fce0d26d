// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Live restores, as clients find them.
@Suite struct LiveRestoreTests {
  private static func restore(_ engine: Engine, _ scene: RestoreScene) throws {
    guard let point = try engine.catalog().point(uuid: scene.manifest.uuid) else { return }
    _ = try engine.restoreLive(
      point, isNamed: false, options: .init(format: "qcow2"), emulators: [], isAsync: true,
      deadline: nil, willWrite: { _ in })
  }

  /// Lets clients settle and go on with it, and time pass, until nothing is under way.
  private func complete(_ scene: RestoreScene) throws {
    for _ in 0..<4 {
      try scene.settle()
      if scene.pending.isEmpty { return }
      try LiveRestoreTests.restore(scene.engine(of: 9), scene)
    }
  }

  @Test func `whenever its client is killed, a live restore can go on, or nothing of it is left`()
    throws
  {
    var outcomes: Set<Bool> = []
    for change in 0... {
      let scene = try RestoreScene(exists: false)
      let found = scene.run(killedBefore: change) { try LiveRestoreTests.restore($0, scene) }
      if let error = found.error { Issue.record("\(error)") }
      try complete(scene)
      let outcome = scene.outcome
      #expect(outcome == .old || outcome == .new, "killed before change \(change): \(outcome)")
      outcomes.insert(outcome == .new)
      guard found.isKilled else { break }
    }
    #expect(outcomes == [false, true])
  }

  @Test func `whenever the client that ends it is killed, another ends it`() throws {
    for change in 0... {
      let scene = try pulled()
      let found = scene.run(killedBefore: change) { try $0.settle(domainUUID: scene.uuid) }
      try complete(scene)
      #expect(scene.outcome == .new, "killed before change \(change)")
      guard found.isKilled else { break }
    }
  }

  @Test func `two clients end it once`() throws {
    var scene = try pulled()
    try Clients.interleave(ways: 40) { segments, clients in
      scene = try pulled()
      let shared = Clients.Box(scene)
      return Clients.run(segments, clients: clients) { client, observer, step in
        shared.value.engine(of: client + 2, observer: observer, step: step)
      } _: { engine, _ in
        try engine.settle(domainUUID: shared.value.uuid)
      }
    } _: { found, way in
      try complete(scene)
      #expect(scene.outcome == .new, "\(way): \(found.endings)")
      for case .failed(let why) in found.endings { Issue.record("\(way): \(why)") }
    }
  }

  /// A live restore of a dead client, all of whose data is pulled.
  private func pulled() throws -> RestoreScene {
    let scene = try RestoreScene(exists: false)
    scene.run { try LiveRestoreTests.restore($0, scene) }
    scene.machine.domains[scene.uuid]?.running?.pulls = ["vda", "vdb"]
    try scene.machine.pullAll()
    return scene
  }

  /// The state in which another client finds a live restore.
  enum Progress: CaseIterable {
    case begun, begunByLiving, defined, running, runningByLiving, stopped, shutOff, removed, pulled
  }

  @Test(arguments: [
    (Progress.begun, Settlement.undone), (.begunByLiving, .running), (.defined, .lost),
    (.running, .running), (.runningByLiving, .running), (.stopped, .running), (.shutOff, .lost),
    (.removed, .undone), (.pulled, .finished),
  ])
  func `what is found is finished, undone or left alone`(
    progress: Progress, settlement: Settlement
  ) throws {
    let scene = progress == .pulled ? try pulled() : try RestoreScene(exists: false)
    let machine = scene.machine
    let isLiving = progress == .begunByLiving || progress == .runningByLiving
    if progress != .pulled {
      scene.run(
        isLiving ? 1 : RestoreScene.dead,
        killedWhen: {
          switch progress {
          case .begun, .begunByLiving: !scene.pending.isEmpty
          case .defined: machine.domains[scene.uuid] != nil
          default: false
          }
        }, { try LiveRestoreTests.restore($0, scene) })
    }
    let running = machine.domains[scene.uuid]?.running
    let pending = try #require(scene.pending.first)
    switch progress {
    case .running, .runningByLiving: running?.pulls = []
    case .stopped:
      running?.pulls = []
      scene.pool.put(pending.mark, LiveMark.stopped.text)
    case .shutOff: machine.shutOff(scene.uuid)
    case .removed: machine.domains = [:]
    default: break
    }
    let settled = try scene.engine(of: 9).settle(domainUUID: scene.uuid)
    #expect(settled == [pending.partial.uuid: settlement])
    // Of a living client the data moves when that has it move.
    if running != nil, settlement == .running {
      #expect(running?.pulls == Set(progress == .running ? ["vda"] : []))
    }
    if progress == .defined { #expect(scene.pool.contents[pending.mark] != nil) }
    if progress == .removed {
      #expect(machine.files["/images/vda.img"] != nil, "its disks are left to who removed it")
    }
  }
}
