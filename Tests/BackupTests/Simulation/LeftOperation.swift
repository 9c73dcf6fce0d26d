// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

@testable import Backup
@testable import BackupCore

/// An operation of any kind that is written down in a pool, and a client that comes upon it.
struct LeftOperation {
  /// The kinds of operations, some of them in two forms.
  enum Kind: String, CaseIterable {
    case create, copy, restore, asyncRestore, live, delete, session, storedSession, verify

    /// Tells that a helper domain works for it.
    var hasHelper: Bool {
      [.restore, .asyncRestore, .delete, .storedSession, .verify].contains(self)
    }
  }

  /// The part of the operation that the host has which the client asks.
  enum Machine: String, CaseIterable {
    /// Neither the domain nor a helper domain.
    case nothing
    /// The QEMU that works for it, without any job.
    case idle
    /// The QEMU that works for it, with its jobs, which copy.
    case copying
  }

  /// The client that began it.
  enum Owner: Int32, CaseIterable {
    case dead = 1
    case alive = 7
    case unknown = 8
  }

  let pool: FakeRepository
  let observer = FakeObserver()
  let engine: Engine
  let partial: Partial
  private let qemu = FakeQEMU()

  /// Makes the operation, in a pool with the points `p0` and, on that, `p1`.
  init(
    _ kind: Kind, _ machine: Machine, owner: Owner, isHere: Bool = true,
    step: @escaping (Step) throws -> Void = { _ in }
  ) throws {
    var world = World(.init("vda"))
    let points = [try world.make("p0"), try world.make("p1")]
    pool = world.repository
    let uuid = World.makeUUID(0xf00)
    let host = HostIdentity(
      uuid: World.makeUUID(isHere ? 0x405 : 0x406), name: isHere ? nil : "away")
    partial = Partial(
      uuid: uuid, pointName: "p", domainName: "web1", domainUUID: world.uuid, host: host,
      owner: .init(
        host: "h", bootID: World.makeUUID(0xb007), pid: owner.rawValue, startTime: 1),
      creationTime: world.time, helper: kind.hasHelper ? OperationID(uuid).helper : nil,
      operation: try Self.operation(kind, points, try world.plan(.init(name: "p"))))
    let volume = "web1.p.0123456789ab.partial.xml"
    pool.put(volume, try partial.xml())
    if case .create(let manifest, _, _, _) = partial.operation {
      for volume in manifest.volumes { pool.put(volume.name, "data") }
    }
    for volume in partial.liveDisks.compactMap(\.scratchVolume) { pool.put(volume, "scratch") }
    for volume in partial.verify?.volumes ?? [] { pool.put(volume, "data") }
    // A delete reads on what the image stands that would take over its data.
    pool.contents[points[1].disks[0].volume.name] =
      ChainImage(on: points[0].disks[0].volume.name).bytes
    for disk in world.disks {
      qemu.nodes["libvirt-1-format"] = .init(
        driver: "qcow2", bitmaps: disk.layers[0].bitmaps)
    }
    if machine == .copying {
      for number in partial.diskNames.indices {
        let id = NodeNames(operation: uuid, disk: number).job
        qemu.jobs[id] = JobInfo(id: id, status: "running")
      }
    }
    let isThere = machine != .nothing
    let repository = SteppedRepository(pool, step: step)
    let fake = FakeHost(
      pool: repository, definition: world.definition,
      domainUUID: isThere && !kind.hasHelper ? world.uuid : World.makeUUID(0xd1),
      qemu: SteppedMonitor(qemu, step: step))
    if isThere, kind.hasHelper {
      fake.helper = FakeGuest(
        definition: world.definition, monitor: SteppedMonitor(qemu, step: step)
      ) { [weak fake] in fake?.helper = nil }
    }
    let process = ClientProcess(
      owner: .init(host: "h", bootID: World.makeUUID(0xb007), pid: 2, startTime: 1),
      liveness: { other in
        switch Owner(rawValue: other.pid) {
        case .dead: .dead
        case .alive: .alive
        case .unknown, nil: .unknown
        }
      }, time: { 1_795_400_100 }, newUUID: { World.makeUUID(0xabc) }, pause: { _ in })
    engine = Engine(
      repository: repository, hypervisor: fake, observer: observer, process: process)
  }

  private static func operation(
    _ kind: Kind, _ points: [Manifest], _ plan: CreatePlan
  ) throws -> Partial.Operation {
    let point = points[1], disk = point.disks[0]
    let files: [Partial.RestoreDisk] = [
      .init(name: "vda", temporaryPath: "/images/new.part", path: "/images/new.img")
    ]
    func disks(target: Partial.CopyTarget?, hasScratch: Bool = true) -> [Partial.CreateDisk] {
      plan.disks.map { disk in
        .init(
          name: disk.live.name, scratchVolume: hasScratch ? disk.scratchVolume : nil,
          node: disk.live.node.nodeName, device: disk.live.device, target: target)
      }
    }
    func session(stored: String?) -> Partial.Operation {
      .session(
        .init(
          disks: disks(target: nil, hasScratch: stored == nil).map {
            .init(disk: $0, export: $0.name, exportBitmap: "backup-\($0.name)")
          },
          server: .init(transport: .unix(path: "/run/x.sock"), isTLS: false), parent: nil,
          stored: stored, isSuspended: false, isFrozen: false))
    }
    switch kind {
    case .create:
      return .create(
        manifest: plan.manifest, disks: disks(target: nil), isSuspended: false, isFrozen: false)
    case .copy:
      return .create(
        manifest: plan.manifest,
        disks: disks(target: .init(type: .file, path: "/copies/vda.img", format: "qcow2")),
        isSuspended: false, isFrozen: false)
    case .restore, .asyncRestore:
      return .restore(
        .init(
          point: point.uuid, disks: files, definition: nil, isStarted: false,
          isAsync: kind == .asyncRestore))
    case .live:
      return .live(
        .init(
          point: point.uuid,
          disks: [.init(name: "vda", path: "/images/vda.img", backing: [disk.volume.name])]))
    case .delete:
      return .delete(
        .init(
          points: [
            .init(
              uuid: points[0].uuid, name: "p0", manifest: points[0].volumeNames.manifest,
              volumes: points[0].volumes.map(\.name))
          ],
          merges: [.init(point: point.uuid, disk: "vda", volume: disk.volume.name, backing: nil)],
          manifests: [point]))
    case .session: return session(stored: nil)
    case .storedSession: return session(stored: point.uuid)
    case .verify:
      return .verify(
        .init(point: point.uuid, disks: ["vda"], volumes: ["web1.p.00000000.booted.vda.qcow2"]))
    }
  }

  /// The answer to a client, and the notices.
  struct Answer {
    /// The answer, or the error.
    var text: String
    var notices: [String]
  }

  /// Asks something about the domain.
  func answer(_ question: (Engine, String) throws -> String) -> Answer {
    var text: String
    do {
      text = try question(engine, partial.domainUUID)
    } catch {
      text = "\(error)"
    }
    return Answer(text: text, notices: observer.notices)
  }

  /// The volumes that are there beside those of the points, by name.
  var volumes: [String] {
    pool.contents.keys.filter { !$0.hasPrefix("web1.p0.") && !$0.hasPrefix("web1.p1.") }.sorted()
  }

  /// Tells that the points are there, and nothing is under way.
  func isSettled() throws -> Bool {
    let catalog = try Catalog(of: pool)
    return catalog.pending == [] && catalog.broken == []
      && catalog.points.map(\.manifest.name) == ["p0", "p1"]
      && catalog.points.allSatisfy(\.isComplete)
  }
}
