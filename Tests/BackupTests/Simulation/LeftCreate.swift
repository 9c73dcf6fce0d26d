// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

@testable import Backup
@testable import BackupCore

/// What is between a device and its disk.
enum LeftPath: String, CaseIterable {
  /// The filter.
  case filter
  /// The relay, and the filter is not in use yet.
  case relay
  /// The relay, and the filter below it.
  case relayAndFilter
}

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
  ///   - path: What is between the device and its disk.
  /// - Throws: When the plan or its document cannot be made.
  init(
    status: String? = "pending", error: String? = nil, path: LeftPath = .filter
  ) throws {
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
      let node = disk.live.node.nodeName
      qemu.nodes[names.filter] = .init(driver: "copy-before-write", below: [node])
      qemu.nodes[names.view]?.below = [names.filter]
      qemu.drives[disk.live.device] = path == .filter ? names.filter : names.relay
      if path != .filter {
        qemu.nodes[names.relay] = .init(
          driver: "raw", below: [path == .relay ? node : names.filter])
      }
      qemu.nodes[node] = .init(
        driver: "qcow2", bitmaps: [BlockDirtyInfo(name: disk.bitmap, persistent: true)])
      if let status {
        qemu.jobs[names.job] = JobInfo(id: names.job, status: status, error: error)
      }
    }
  }

  /// The number of a client that counts as dead for all others.
  static let killed = 98

  /// A client; of these the first is dead, as is ``killed``, and they do not wait.
  static func process(of client: Int) -> ClientProcess {
    let owner = Partial.Owner(
      host: "h", bootID: World.makeUUID(0xb007), pid: Int32(client + 1), startTime: 1)
    return ClientProcess(
      owner: owner, liveness: { [1, Int32(killed + 1)].contains($0.pid) ? .dead : .alive },
      time: { 1_795_400_100 },
      newUUID: { World.makeUUID(0xabc) }, pause: { _ in })
  }

  /// Runs clients in turns.
  func run(
    _ segments: [Turns.Segment], _ work: @escaping @Sendable (Engine, Int) throws -> Void,
    clients: Int = 2
  ) -> Clients.Run {
    Clients.run(segments, clients: clients) { client, observer, step in
      engine(of: client + 1, observer: observer, step: step)
    } _: { engine, client in
      try work(engine, client)
    }
  }

  /// Lets a client settle that is killed before a change.
  ///
  /// - Parameter change: The change, counted from 0.
  /// - Returns: Whether it came to that.
  func settle(killedBefore change: Int) -> Bool {
    var changes = 0
    let engine = engine(of: LeftCreate.killed, observer: FakeObserver()) { step in
      if step == .change { changes += 1 }
      if changes > change { throw Killed() }
    }
    _ = try? engine.settle(domainUUID: world.uuid)
    return changes > change
  }

  /// A client.
  private func engine(
    of client: Int, observer: FakeObserver, step: @escaping (Step) throws -> Void
  ) -> Engine {
    let repository = SteppedRepository(pool, step: step)
    return Engine(
      repository: repository,
      hypervisor: FakeHost(
        pool: repository, definition: world.definition, domainUUID: world.uuid,
        qemu: SteppedMonitor(qemu, step: step)),
      observer: observer, process: LeftCreate.process(of: client))
  }

  /// Names of what QEMU and the pool have of the operation itself; none where it has ended.
  var leftovers: [String] {
    let prefix = OperationID(partial.uuid).prefix
    return qemu.nodes.keys.filter { $0.hasPrefix(prefix) }.sorted()
      + qemu.jobs.keys.sorted() + pool.contents.keys.filter { $0.contains("partial") }.sorted()
      + qemu.drives.values.filter { $0.hasPrefix(prefix) }
      + Array(repeating: "failed assertion", count: qemu.assertions)
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
