// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Tests which points a delete takes away, and which images take over the data of which.
struct DeletePlanTests {
  /// A pool with points that stand on each other, and short names for what is in it.
  private struct Forest {
    var catalog: Catalog

    /// Makes points, each with what its disks stand on: `["vda": "a"]`, or nil for a full.
    init(
      _ points: (name: String, disks: [String: String?])..., capacities: [String: UInt64] = [:]
    ) throws {
      let repository = FakeRepository()
      var manifests: [String: Manifest] = [:]
      for (number, point) in points.enumerated() {
        let names = VolumeNames(domain: "web1", uuid: World.domainUUID, point: point.name)
        let disks = point.disks.sorted { $0.key < $1.key }.map { disk, parent in
          Manifest.Disk(
            name: disk, mode: parent == nil ? .full : .incremental,
            parent: parent.flatMap { manifests[$0]?.uuid },
            reasonCode: parent == nil ? "new_disk" : nil, reason: parent == nil ? "new" : nil,
            capacity: capacities[point.name] ?? 1 << 30, format: "qcow2",
            volume: .init(name: names.disk(disk), size: 1 << 20))
        }
        let manifest = Manifest(
          name: point.name, uuid: World.makeUUID(0x100 + number), chain: World.makeUUID(0xc),
          sequence: number + 1, creationTime: 1, description: nil,
          parent: disks.compactMap(\.parent).max(), consistency: .crash, disks: disks,
          domainName: "web1", domainUUID: World.domainUUID,
          domainXML: "<domain><name>web1</name><uuid>\(World.domainUUID)</uuid></domain>",
          inactiveDomainXML: nil)
        manifests[point.name] = manifest
        repository.put(names.manifest, try manifest.xml())
        for disk in disks { repository.put(disk.volume.name, "data") }
      }
      catalog = try Catalog(of: repository)
    }

    func point(_ name: String) throws -> Point {
      try catalog.point(name, of: World.domainUUID)
    }

    func plan(
      _ names: String..., scope: DeleteScope = .point, disks: [String] = []
    ) throws -> DeletePlan {
      try DeletePlan(
        .init(try names.map(point), scope: scope, disks: disks), in: catalog)
    }

    /// The points that go, with the disks where others stay.
    func gone(_ plan: DeletePlan) -> [String] {
      zip(plan.doomed, plan.delete.points).map { point, gone in
        #expect(gone.uuid == point.manifest.uuid && gone.manifest == point.manifestVolume)
        return point.manifest.name + (gone.isKept ? "*" : "")
      }
    }

    /// `c:vda onto a`, the volume named alone where it stands on nothing afterwards.
    func merges(_ plan: DeletePlan) -> [String] {
      zip(plan.delete.merges, plan.runs).map { merge, run in
        let name = catalog.point(uuid: merge.point)?.manifest.name ?? "?"
        let over = run.gone.map { $0.volume.name.split(separator: ".")[1] }.joined(separator: ",")
        let base = merge.backing.map { " onto \($0.split(separator: ".")[1])" } ?? ""
        #expect(merge.volume == "web1.\(name).\(merge.disk).qcow2")
        #expect(merge.parent == catalog.chain(name, merge.disk)?.first?.parent)
        return "\(name):\(merge.disk) takes \(over)\(base)"
      }
    }

    /// The manifests that are rewritten, with what their disks stand on then.
    func rewritten(_ plan: DeletePlan) -> [String] {
      plan.delete.manifests.map { manifest in
        let disks = manifest.disks.map { disk in
          let parent = disk.parent.flatMap { catalog.point(uuid: $0)?.manifest.name }
          #expect((disk.mode == .full) == (parent == nil))
          #expect((disk.reasonCode == nil) == (disk.mode == .incremental))
          return "\(disk.name)<\(parent ?? "")"
        }
        return "\(manifest.name) \(disks.joined(separator: " "))"
      }
    }
  }

  private static func line() throws -> Forest {
    try Forest(
      ("a", ["vda": nil]), ("b", ["vda": "a"]), ("c", ["vda": "b"]), ("d", ["vda": "c"]),
      ("e", ["vda": "d"]))
  }

  @Test func `the first point of a chain: the next becomes full, for the same reason`() throws {
    let forest = try Self.line()
    let plan = try forest.plan("a")
    #expect(forest.gone(plan) == ["a"])
    #expect(forest.merges(plan) == ["b:vda takes a"])
    #expect(forest.rewritten(plan) == ["b vda<"])
    #expect(plan.delete.manifests[0].disks[0].reasonCode == "new_disk")
    #expect(plan.delete.manifests[0].parent == nil)
    #expect(plan.delete.points[0].volumes == ["web1.a.vda.qcow2"])
    #expect(plan.delete.points[0].name == "a")
  }

  @Test func `a point in the middle, and the last one`() throws {
    let forest = try Self.line()
    let plan = try forest.plan("c")
    #expect(forest.merges(plan) == ["d:vda takes c onto b"])
    #expect(forest.rewritten(plan) == ["d vda<b"])
    #expect(plan.delete.manifests[0].parent == (try forest.point("b").manifest.uuid))
    let last = try forest.plan("e")
    #expect(forest.gone(last) == ["e"] && last.delete.merges == [] && last.delete.manifests == [])
  }

  @Test func `a run is one merge, however long, and in whatever order its points are named`() throws
  {
    let forest = try Self.line()
    let plan = try forest.plan("c", "b", "d", "b")
    #expect(forest.gone(plan) == ["d", "c", "b"])
    #expect(forest.merges(plan) == ["e:vda takes d,c,b onto a"])
    #expect(forest.rewritten(plan) == ["e vda<a"])
    #expect(plan.runs[0].oldest.volume.name == "web1.b.vda.qcow2")
    #expect(try plan == forest.plan("b", "c", "d"))
    let roots = try forest.plan("a", "b")
    #expect(forest.merges(roots) == ["c:vda takes b,a"])
    #expect(forest.rewritten(roots) == ["c vda<"])
  }

  @Test func `runs with a point between them are merged each, into different images`() throws {
    let forest = try Self.line()
    let plan = try forest.plan("a", "c", "d")
    #expect(forest.gone(plan) == ["d", "c", "a"])
    #expect(forest.merges(plan) == ["b:vda takes a", "e:vda takes d,c onto b"])
    #expect(forest.rewritten(plan) == ["b vda<", "e vda<b"])
  }

  @Test func `nothing is merged where all go`() throws {
    let forest = try Self.line()
    let plan = try forest.plan("e", "a", "c", "d", "b")
    #expect(forest.gone(plan) == ["e", "d", "c", "b", "a"])
    #expect(plan.delete.merges == [] && plan.delete.manifests == [])
    #expect(try forest.plan("a", scope: .withChildren) == plan)
  }

  @Test func `every branch takes over what it needs`() throws {
    let forest = try Forest(
      ("f", ["vda": nil]), ("a", ["vda": "f"]), ("b", ["vda": "a"]), ("c", ["vda": "a"]),
      ("d", ["vda": "f"]))
    #expect(
      try forest.merges(forest.plan("f")) == ["a:vda takes f", "d:vda takes f"])
    #expect(
      try forest.merges(forest.plan("a")) == ["b:vda takes a onto f", "c:vda takes a onto f"])
    let both = try forest.plan("f", "a")
    #expect(forest.gone(both) == ["a", "f"])
    #expect(forest.merges(both) == ["b:vda takes a,f", "c:vda takes a,f", "d:vda takes f"])
    // A branch that goes as a whole needs nothing.
    #expect(try forest.merges(forest.plan("f", "d")) == ["a:vda takes f"])
  }

  @Test func `children go with what they stand on, or without`() throws {
    let forest = try Self.line()
    let children = try forest.plan("c", scope: .withChildren)
    #expect(forest.gone(children) == ["e", "d", "c"] && children.delete.merges == [])
    let only = try forest.plan("c", scope: .childrenOnly)
    #expect(forest.gone(only) == ["e", "d"] && only.delete.merges == [])
    #expect(try forest.plan("e", scope: .childrenOnly).doomed == [])
    // One that is named stays, and takes over what lies between.
    let two = try forest.plan("a", "d", scope: .childrenOnly)
    #expect(forest.gone(two) == ["e", "c", "b"])
    #expect(forest.merges(two) == ["d:vda takes c,b onto a"])
  }

  @Test func `disks stand on different points, and each is merged where it has to be`() throws {
    let forest = try Forest(
      ("a", ["vda": nil, "vdb": nil]), ("b", ["vda": "a"]), ("c", ["vda": "b", "vdb": "a"]),
      ("d", ["vda": "c", "vdb": nil]))
    #expect(try forest.merges(forest.plan("a")) == ["b:vda takes a", "c:vdb takes a"])
    let plan = try forest.plan("a", "b")
    #expect(forest.merges(plan) == ["c:vda takes b,a", "c:vdb takes a"])
    #expect(forest.rewritten(plan) == ["c vda< vdb<"])
    #expect(try forest.merges(forest.plan("c")) == ["d:vda takes c onto b"])
  }

  @Test func `of chosen disks the points keep the others`() throws {
    let forest = try Forest(
      ("a", ["vda": nil, "vdb": nil]), ("b", ["vda": "a", "vdb": "a"]),
      ("c", ["vda": "b", "vdb": "b"]), ("d", ["vda": "c", "vdb": "c"]))
    let plan = try forest.plan("c", "b", disks: ["vda"])
    #expect(forest.gone(plan) == ["c*", "b*"])
    #expect(plan.delete.points.map(\.volumes) == [["web1.c.vda.qcow2"], ["web1.b.vda.qcow2"]])
    #expect(forest.merges(plan) == ["d:vda takes c,b onto a"])
    #expect(forest.rewritten(plan) == ["d vda<a vdb<c", "c vdb<b", "b vdb<a"])
    let request = try DeleteRequest(
      [forest.point("b")], scope: .point, disks: ["vda", "vdb"])
    let all = try DeletePlan(request, in: forest.catalog)
    #expect(forest.gone(all) == ["b"])
    #expect(all.deleted(request) == [Deleted(point: "b", disks: nil)])
    let one = try DeleteRequest([forest.point("b")], scope: .point, disks: ["vdb"])
    #expect(
      try DeletePlan(one, in: forest.catalog).deleted(one) == [Deleted(point: "b", disks: ["vdb"])])
  }

  @Test func `a point without the chosen disk is refused when named, and passed over below`() throws
  {
    let forest = try Forest(
      ("a", ["vda": nil, "vdb": nil]), ("b", ["vda": "a"]), ("c", ["vda": "b", "vdb": "a"]))
    let error = #expect(throws: BackupError.self) { try forest.plan("b", disks: ["vdb"]) }
    #expect(error?.code == .notFound)
    #expect(
      try forest.gone(forest.plan("a", scope: .withChildren, disks: ["vdb"])) == ["c*", "a*"])
  }

  /// A chain of three with these sizes, of which the middle goes, or the middle and the first.
  @Test(arguments: [
    ([1, 1, 2], ["b"], true), ([2, 2, 1], ["b"], true), ([1, 2, 1], ["b"], true),
    ([2, 1, 2], ["b"], false), ([2, 1, 3], ["b"], false), ([2, 1, 2], ["a"], true),
    ([2, 1, 2], ["a", "b"], true), ([1, 2, 3], ["a", "b"], true), ([3, 2, 1], ["a", "b"], true),
  ])
  func `what a smaller image hid is not shown by merging it`(
    capacities: [UInt64], names: [String], isPossible: Bool
  ) throws {
    let forest = try Forest(
      ("a", ["vda": nil]), ("b", ["vda": "a"]), ("c", ["vda": "b"]),
      capacities: Dictionary(uniqueKeysWithValues: zip(["a", "b", "c"], capacities)))
    let request = try DeleteRequest(names.map(forest.point), scope: .point, disks: [])
    guard !isPossible else {
      _ = try DeletePlan(request, in: forest.catalog)
      return
    }
    let error = #expect(throws: BackupError.self) {
      try DeletePlan(request, in: forest.catalog)
    }
    #expect(error?.code == .failed && error?.description.contains("'b'") == true)
  }

  @Test func `what one merge writes no other reads at the same time`() {
    func open(_ chain: String) -> OpenMerge {
      let volumes = chain.map(String.init)
      return .init(
        merge: .init(point: "", disk: "vda", volume: volumes[0], backing: nil), chain: volumes,
        domainXML: "")
    }
    func round(_ chains: String...) -> [String] {
      OpenMerge.round(of: chains.map(open)).map(\.written)
    }
    #expect(round("ba") == ["b"])
    #expect(round("ba", "edcba") == ["b"])
    #expect(round("edcba", "ba") == ["e"])
    #expect(round("cba", "dba", "xy") == ["c", "d", "x"])
    #expect(round("ba", "edcba", "xy", "zxy") == ["b", "x"])
    #expect(round() == [])
  }

  @Test func `points of two domains are not deleted together`() throws {
    let forest = try Self.line()
    var other = try forest.point("a")
    other.manifest.domainUUID = World.makeUUID(0xd1)
    other.manifest.uuid = World.makeUUID(0x999)
    #expect(throws: BackupError.self) {
      try DeleteRequest([forest.point("a"), other], scope: .point, disks: [])
    }
  }
}

extension Catalog {
  fileprivate func chain(_ name: String, _ disk: String) -> [Manifest.Disk]? {
    (try? point(name, of: World.domainUUID)).flatMap { try? chain(of: $0, disk: disk) }
  }
}
