// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import QMP

@testable import Backup
@testable import BackupCore

/// A create that a client which has died left in the pool and in QEMU, and clients that find it.
struct LeftCreate {
  let world: World
  let pool: FakeRepository
  let qemu = FakeQEMU()
  let partial: Partial
  let plan: CreatePlan

  /// Makes what is left.
  ///
  /// - Parameters:
  ///   - status: Of its job; nil for none.
  ///   - error: Why the job failed; nil where it did not.
  /// - Throws: When the plan or its document cannot be made.
  init(status: String? = "pending", error: String? = nil) throws {
    let world = World(World.Disk("vda"))
    let pool = world.repository
    plan = try world.plan(.init(name: "p"))
    self.world = world
    self.pool = pool
    let host = FakeHost(
      pool: pool, definition: world.definition, domainUUID: world.uuid, qemu: qemu)
    let dead = Context(
      repository: pool, hypervisor: host, observer: FakeObserver(),
      process: LeftCreate.process(of: 0))
    partial = try Create(dead).begin(plan).partial
    for disk in plan.manifest.disks { pool.put(disk.volume.name, "data") }
    for disk in plan.disks {
      pool.put(disk.scratchVolume ?? "", "scratch")
      let names = disk.names
      for node in [
        names.target, names.targetFile, names.scratch, names.scratchFile, names.filter, names.view,
      ] {
        qemu.nodes[node] = .init(driver: node == names.target ? "qcow2" : "file")
      }
      qemu.drives[disk.live.device] = names.filter
      qemu.nodes[disk.live.node.nodeName] = .init(
        driver: "qcow2", bitmaps: [BlockDirtyInfo(name: disk.bitmap, persistent: true)])
      if let status {
        qemu.jobs[names.job] = JobInfo(id: names.job, status: status, error: error)
      }
    }
  }

  /// A client; of these the first is dead, and they do not wait.
  static func process(of client: Int) -> Context.Process {
    let owner = Partial.Owner(
      host: "h", bootID: World.makeUUID(0xb007), pid: Int32(client + 1), startTime: 1)
    return Context.Process(
      owner: owner, liveness: { $0.pid == 1 ? .dead : .alive }, time: { 1_795_400_100 },
      newUUID: { World.makeUUID(0xabc) }, pause: { _ in })
  }

  /// The end of a client, with its notices or its error.
  enum Ending {
    case done([String])
    case failed(String)
  }

  /// How clients ended, and how many steps each took.
  typealias Run = (endings: [Ending], counts: [Int: Int])

  /// Runs clients in turns.
  func run(
    _ segments: [Turns.Segment], _ work: @escaping @Sendable (Engine, Int) throws -> Void,
    clients: Int = 2
  ) -> Run {
    let turns = Turns(segments, clients: clients)
    let endings = Box(Array(repeating: Ending.failed("has not ended"), count: clients))
    let group = DispatchGroup()
    for client in 0..<clients {
      let step: () -> Void = { turns.step(client) }
      let repository = SteppedRepository(pool, step: step)
      let observer = FakeObserver()
      let engine = Box(
        Engine(
          repository: repository,
          hypervisor: FakeHost(
            pool: repository, definition: world.definition, domainUUID: world.uuid,
            qemu: SteppedMonitor(qemu, step: step)),
          observer: observer, process: LeftCreate.process(of: client + 1)))
      let told = Box(observer)
      group.enter()
      Thread.detachNewThread {
        turns.step(client)
        do {
          try work(engine.value, client)
          endings.value[client] = .done(told.value.notices)
        } catch {
          endings.value[client] = .failed("\(error)")
        }
        turns.end(client)
        group.leave()
      }
    }
    group.wait()
    return (endings.value, turns.counts)
  }

  /// Lets clients of several threads, which take turns, have a thing in common.
  final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  /// Names of what QEMU and the pool have of the operation itself; none where it has ended.
  var leftovers: [String] {
    let prefix = NodeNames.prefix(operation: partial.uuid)
    return qemu.nodes.keys.filter { $0.hasPrefix(prefix) }.sorted()
      + qemu.jobs.keys.sorted() + pool.contents.keys.filter { $0.contains("partial") }.sorted()
      + qemu.drives.values.filter { $0.hasPrefix(prefix) }
  }

  var isPublished: Bool { pool.contents[plan.manifest.volumeNames.manifest] != nil }
  var hasImages: Bool { plan.manifest.volumes.allSatisfy { pool.contents[$0.name] != nil } }
  /// Tells that the disk records what changes since the point.
  var records: Bool {
    plan.disks.allSatisfy { disk in
      qemu.nodes[disk.live.node.nodeName]?.bitmaps.contains { $0.name == disk.bitmap } == true
    }
  }
}
