// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Glibc
import TestSupport
import Testing

@testable import Backup
@testable import BackupCore

/// Tests what a prune would do to a pool.
struct PrunePlanTests {
  private let mebibyte: UInt64 = 1 << 20

  /// Points of one domain, a day apart, each on the one before it, with images of these sizes in MiB.
  private func world(_ sizes: [UInt64]) throws -> World {
    var world = World(.init("vda"))
    for (number, size) in sizes.enumerated() {
      let manifest = try world.make("p\(number)")
      try edit(world, manifest) { $0.disks[0].volume.size = size * mebibyte }
      world.time += 86400
    }
    return world
  }

  private func edit(
    _ world: World, _ manifest: Manifest, _ change: (inout Manifest) -> Void
  ) throws {
    let volume = manifest.volumeNames.manifest
    var manifest = try Manifest(parsing: Catalog.text(of: volume, in: world.repository))
    change(&manifest)
    world.repository.put(volume, try manifest.xml())
  }

  private func plan(_ world: World, _ counts: [RetentionRules.Rule: Int]) throws -> PrunePlan {
    PrunePlan(
      of: World.domainUUID, in: try world.catalog(),
      .init(rules: .init(counts: counts), now: world.time, localTime: .utc))
  }

  /// The processor time that this thread has had.
  private static func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  private func names(_ plan: PrunePlan) -> [String] { plan.removed.map(\.manifest.name) }

  @Test func `points of other hosts and damaged ones neither go nor count`() throws {
    let world = try world([100, 1, 2, 3, 4])
    let here = HostIdentity(uuid: "11111111-2222-4333-8444-555555555555", name: "here")
    let there = HostIdentity(uuid: "99999999-2222-4333-8444-555555555555", name: "there")
    for point in try world.catalog().points {
      try edit(world, point.manifest) { $0.host = point.manifest.name == "p4" ? there : here }
    }
    let plan = PrunePlan(
      of: World.domainUUID, in: try world.catalog(),
      .init(rules: .init(counts: [.last: 1]), now: world.time, localTime: .utc), here: here,
      isDamaged: { $0.manifest.name == "p3" })
    // The newest of this host that can be restored stays; what is damaged is left to the user.
    #expect(names(plan) == ["p0", "p1"])
  }

  @Test func `points go by the rules, and those that are protected stay`() throws {
    let world = try world([100, 1, 2, 3, 4])
    #expect(try names(plan(world, [.last: 2])) == ["p0", "p1", "p2"])
    let point = try world.catalog().point("p1", of: World.domainUUID)
    try edit(world, point.manifest) { $0.isProtected = true }
    let plan = try plan(world, [.last: 2])
    #expect(names(plan) == ["p0", "p2"])
    #expect(plan.entries.map(\.verdict.keeps) == [false, true, false, true, true])
    #expect(plan.entries[1].verdict == .keep(.protected))
  }

  @Test func `what comes back is all but the largest image of those that are merged`() throws {
    // The full is taken over by the first that stays.
    let full = try plan(world([100, 1, 2, 3, 4]), [.last: 2])
    #expect(full.entries.map { $0.frees / mebibyte } == [3, 1, 2, 0, 0])
    #expect(full.frees == 6 * mebibyte)
    // Between two that stay the largest of all, here the one that stays.
    let last = try plan(world([100, 1, 2, 30, 4]), [.last: 2])
    #expect(last.entries.map { $0.frees / mebibyte } == [30, 1, 2, 0, 0])
    // Nothing stands on the rest.
    var world = try world([100, 1, 2])
    try world.make("q", .init(isFull: true))
    let all = try plan(world, [.last: 1])
    #expect(all.entries.map { $0.frees / mebibyte } == [100, 1, 2, 0])
  }

  @Test func `what an operation reads stays for now`() throws {
    let world = try world([100, 1, 2, 3])
    let point = try world.catalog().point("p1", of: World.domainUUID)
    let restore = Partial(
      uuid: World.makeUUID(0xf00), pointName: "p1", domainName: "web1",
      domainUUID: World.domainUUID, host: .init(uuid: World.makeUUID(0xf01)),
      owner: .init(host: "h", bootID: World.makeUUID(0xf02), pid: 1, startTime: 1),
      creationTime: 1, helper: nil,
      operation: .restore(
        .init(point: point.manifest.uuid, disks: [], definition: nil, isStarted: false)))
    world.repository.put("web1.p1.x.partial.xml", try restore.xml())
    let plan = try plan(world, [.last: 1])
    #expect(names(plan) == ["p2"])
    #expect(plan.entries.prefix(2).map(\.verdict) == [.keep(.inUse), .keep(.inUse)])
  }

  @Test func `what cannot be restored stays`() throws {
    let world = try world([100, 1, 2, 3])
    world.repository.delete("web1.p3.vda.qcow2")
    let plan = try plan(world, [.last: 1])
    #expect(names(plan) == ["p0", "p1"])
    #expect(plan.entries.suffix(2).map(\.verdict) == [.keep(.rule(.last)), .keep(.incomplete)])
  }

  /// With `make check-long` there are ten thousand points, of a hundred domains.
  @Test func `many points of many domains take less than a millisecond each`() throws {
    let domains = min(100, 10 * Rounds.count(1))
    var world = World(.init("vda"))
    let pattern = try world.make("p")
    world.repository.contents = [:]
    var manifests: [String: Manifest] = [:]
    for domain in 0..<domains {
      var manifest = pattern
      manifest.domainUUID = World.makeUUID(0x10_0000 + domain)
      for number in 0..<100 {
        let parent = number == 0 ? nil : manifest.uuid
        manifest.uuid = World.makeUUID(0x1000_0000 + 1000 * domain + number)
        manifest.name = "p\(number)"
        manifest.sequence = number + 1
        manifest.creationTime = 1_700_000_000 + Int64(number) * 86400
        manifest.parent = parent
        manifest.disks[0].parent = parent
        manifest.disks[0].mode = parent == nil ? .full : .incremental
        manifest.disks[0].volume.name = "d\(domain).p\(number).vda.qcow2"
        manifests["d\(domain).p\(number).backup.xml"] = manifest
        for volume in ["backup.xml", "vda.qcow2"] {
          world.repository.put("d\(domain).p\(number).\(volume)", "")
        }
      }
    }
    // The manifests are passed as known: this test is about what is decided of them.
    let catalog = try Catalog(of: world.repository, known: manifests)
    #expect(catalog.points.count == 100 * domains)
    let uuids = Set(catalog.points.map(\.manifest.domainUUID))
    let rules = RetentionRules(counts: [.daily: 7, .weekly: 4, .monthly: 12])
    var kept = 0
    // The processor time of this thread leaves out what other threads do meanwhile.
    let start = Self.processorTime()
    do {
      for domain in uuids {
        let plan = PrunePlan(
          of: domain, in: catalog, .init(rules: rules, now: 1_800_000_000, localTime: .utc))
        kept += plan.entries.filter(\.verdict.keeps).count
      }
    }
    let took = Self.processorTime() - start
    // Seven days, four weeks, and the months before these of a hundred days.
    #expect(kept == 13 * domains)
    #expect(took < .milliseconds(1) * kept, "\(took) for \(kept) that are kept")
  }
}
