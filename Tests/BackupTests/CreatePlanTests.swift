// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Testing

@testable import Backup
@testable import BackupCore

/// What a backup sends to QEMU, in order.
struct CreatePlanTests {
  private static let vda = "/machine/peripheral/virtio-disk0/virtio-backend"
  private static let vdb = "/machine/peripheral/virtio-disk1/virtio-backend"

  @Test
  func `one full disk`() throws {
    var world = World(.init("vda"))
    world.support.suspends = true
    let plan = try world.plan()
    #expect(plan.view.needsSuspension == false)
    let prefix = OperationID(plan.operation).prefix
    #expect(
      plan.view.openFilters.map(\.json) == [
        """
        {"arguments":{"cbw-timeout":15,"discard":"unmap","driver":"copy-before-write","file":"libvirt-1-format",\
        "node-name":"\(prefix)0-cbw","on-cbw-error":"break-snapshot",\
        "target":"\(prefix)0-scratch"},"execute":"blockdev-add"}
        """
      ])
    let bitmap = "virsh-backup.\(plan.manifest.chain).\(plan.manifest.uuid).vda"
    #expect(
      plan.view.startRecording?.json == transaction(recording(bitmap, on: "libvirt-1-format")))
    #expect(
      plan.view.insertFilters.map(\.json) == [
        """
        {"arguments":{"path":"\(CreatePlanTests.vda)","property":"drive",\
        "value":"\(prefix)0-cbw"},"execute":"qom-set"}
        """
      ])
    #expect(
      plan.view.openViews.map(\.json) == [
        """
        {"arguments":{"driver":"snapshot-access","file":"\(prefix)0-cbw",\
        "node-name":"\(prefix)0-view"},"execute":"blockdev-add"}
        """
      ])
    #expect(plan.view.selectChanges == nil)
    #expect(
      plan.startJobs(isLimited: true).json
        == transaction(
          """
          {"data":{"auto-dismiss":false,"auto-finalize":false,"device":"\(prefix)0-view",\
          "filter-node-name":"\(prefix)0-jobcbw","job-id":"\(prefix)0-job",\
          "on-source-error":"report","on-target-error":"report","sync":"full",\
          "target":"\(prefix)0-target","x-perf":{"max-workers":32}},"type":"blockdev-backup"}
          """))
  }

  @Test
  func `an older QEMU reads its view in single clusters`() throws {
    var world = World(.init("vda"))
    world.support.spansClusters = false
    let plan = try world.plan()
    guard case .array(let jobs) = plan.startJobs(isLimited: false).arguments["actions"] else {
      Issue.record("no actions")
      return
    }
    #expect(jobs.map { $0["data"]?["x-perf"] } == [["max-chunk": 65536]])
    // A job that reads the disk itself has nothing to fear.
    let plain = try world.plan(isProtected: false)
    guard case .array(let actions) = plain.startJobs(isLimited: false).arguments["actions"] else {
      Issue.record("no actions")
      return
    }
    #expect(actions.map { $0["type"] } == ["block-dirty-bitmap-add", "blockdev-backup"])
    #expect(actions.last?["data"]?["x-perf"] == nil)
    #expect(actions.last?["data"]?["device"] == "libvirt-1-format")
    #expect(plain.disks.allSatisfy { $0.scratchVolume == nil })
  }

  @Test(arguments: [false, true])
  func `a guest with threads for its disks stands still while an older QEMU adds nodes`(
    isProtected: Bool
  ) throws {
    var world = World(.init("vda"))
    func needsSuspension() throws -> [Bool] {
      [
        try world.plan(isProtected: isProtected).needsSuspension,
        try world.session(.init(), isProtected: isProtected).needsSuspension,
      ]
    }
    world.support.suspends = true
    #expect(try needsSuspension() == [false, false])
    world.support.hasIOThreads = true
    #expect(try needsSuspension() == [true, true])
    world.support.suspends = false
    #expect(try needsSuspension() == [false, false])
  }

  @Test
  func `a session of an older QEMU is read from a scratch that stands on the disk`() throws {
    var world = World(.init("vda"))
    #expect(try world.session(.init()).view.readsScratch == false)
    world.support.spansClusters = false
    let session = try world.session(.init())
    let prefix = OperationID(session.operation).prefix
    #expect(session.view.readsScratch)
    #expect(session.disks.map(session.exported) == ["\(prefix)0-scratch"])
    #expect(
      session.view.openViews.compactMap { $0.arguments["node-name"]?.string }
        == ["\(prefix)0-view", "\(prefix)0-sample", "\(prefix)0-null"])
  }

  @Test
  func `two disks of a guest that runs are frozen by one command`() throws {
    let plan = try World(.init("vda"), .init("vdb", index: 2)).plan()
    #expect(plan.needsSuspension == false)
    let prefix = OperationID(plan.operation).prefix
    func relay(_ number: Int, _ file: String) -> String {
      """
      {"discard":"unmap","driver":"raw","file":"\(file)","node-name":"\(prefix)\(number)-relay"}
      """
    }
    #expect(
      plan.view.openRelays.first?.json
        == #"{"arguments":\#(relay(0, "libvirt-1-format")),"execute":"blockdev-add"}"#)
    #expect(
      plan.view.insertRelays.first?.json == """
        {"arguments":{"path":"\(CreatePlanTests.vda)","property":"drive",\
        "value":"\(prefix)0-relay"},"execute":"qom-set"}
        """)
    #expect(plan.view.openRelays.count == 2 && plan.view.insertRelays.count == 2)
    #expect(plan.view.flushDisks.map { $0.json.contains("-cbw") } == [true, true])
    #expect(
      plan.view.insertFilters.map(\.json) == [
        """
        {"arguments":{"options":[\(relay(0, "\(prefix)0-cbw")),\(relay(1, "\(prefix)1-cbw"))]},\
        "execute":"blockdev-reopen"}
        """
      ])
  }

  @Test
  func `two disks are one instant, and only what changed is copied`() throws {
    var world = World(.init("vda"), .init("vdb", "raw", index: 2))
    let point = try world.make("p1")
    world.disks[0].layers.insert(
      .init(path: "/images/s1", index: 3, bitmaps: world.disks[0].layers[0].bitmaps), at: 0)
    world.disks[1].layers[0].bitmaps = []
    // A suspended guest needs no more than one command for each disk.
    world.support.suspends = true
    let plan = try world.plan()
    #expect(plan.view.needsSuspension)
    #expect(plan.view.openRelays == [] && plan.view.insertRelays == [])
    let prefix = OperationID(plan.operation).prefix
    #expect(plan.manifest.chain == point.chain)
    let stem = "virsh-backup.\(point.chain).\(plan.manifest.uuid)"
    #expect(
      plan.view.startRecording?.json
        == transaction(
          recording("\(stem).vda", on: "libvirt-3-format"),
          recording("\(stem).vdb", on: "libvirt-2-format", persistent: false)),
      "both start in one transaction")
    #expect(
      plan.view.insertFilters.map { $0.arguments["path"]?.string }
        == [CreatePlanTests.vda, CreatePlanTests.vdb])
    let base = "virsh-backup.\(point.chain).\(point.uuid).vda"
    #expect(
      plan.view.selectChanges?.json
        == transaction(
          """
          {"data":{"disabled":true,"granularity":65536,"name":"\(prefix)0-work",\
          "node":"\(prefix)0-view","persistent":false},"type":"block-dirty-bitmap-add"}
          """,
          """
          {"data":{"bitmaps":[{"name":"\(base)","node":"libvirt-3-format"},\
          {"name":"\(base)","node":"libvirt-1-format"}],"node":"\(prefix)0-view",\
          "target":"\(prefix)0-work"},"type":"block-dirty-bitmap-merge"}
          """))
    guard case .array(let jobs) = plan.startJobs(isLimited: true).arguments["actions"] else {
      Issue.record("no actions")
      return
    }
    #expect(jobs.map { $0["data"]?["sync"] } == ["bitmap", "full"])
    #expect(jobs.map { $0["data"]?["bitmap-mode"] } == ["never", nil])
    #expect(jobs.map { $0["data"]?["bitmap"]?.string } == ["\(prefix)0-work", nil])
    #expect(
      jobs.map { $0["data"]?["target"]?.string } == ["\(prefix)0-target", "\(prefix)1-target"])
  }

  @Test
  func `the manifest says what will be`() throws {
    var world = World(.init("vda"), .init("vdb", "raw", index: 2))
    let plan = try world.plan(.init(name: "p1", description: "a & b"))
    #expect(plan.manifest.name == "p1" && plan.manifest.description == "a & b")
    #expect(plan.manifest.sequence == 1 && plan.manifest.parent == nil)
    #expect(plan.manifest.domainXML == world.definition)
    #expect(plan.manifest.disks.map(\.volume.name) == ["web1.p1.vda.qcow2", "web1.p1.vdb.qcow2"])
    #expect(plan.disks.map(\.scratchVolume).contains("web1.p1.vda.scratch.qcow2"))
    #expect(plan.manifest.disks.map(\.format) == ["qcow2", "raw"])
    #expect(plan.expectedBytes == 2 << 20, "not the capacity, but what is allocated")
    try world.make("p1")
    try world.make("p2")
    // Sequences go on from the highest, whatever was deleted in between.
    world.repository.delete("web1.p1.backup.xml")
    #expect(try world.plan().manifest.sequence == 3)
  }

  @Test(arguments: ["qcow2", "raw"])
  func `a bitmap is stored where the image keeps it`(format: String) throws {
    var world = World(.init("vda", format))
    #expect(try world.plan().disks[0].live.keepsBitmaps == (format == "qcow2"))
    world.disks[0].snapshots = ["s1"]
    #expect(try world.plan().disks[0].live.keepsBitmaps == false)
    world.disks[0].snapshots = []
    world.disks[0].compat = "0.10"
    #expect(try world.plan().disks[0].live.keepsBitmaps == false)
  }

  @Test
  func `a disk with somebody's filter over it is busy`() throws {
    var world = World(.init("vda"))
    world.filters["vda"] = "mirror-top"
    let error = #expect(throws: BackupError.self) { try world.plan() }
    #expect(error?.code == .busy)
  }

  private func recording(_ bitmap: String, on node: String, persistent: Bool = true) -> String {
    """
    {"data":{"disabled":false,"granularity":65536,"name":"\(bitmap)","node":"\(node)",\
    "persistent":\(persistent)},"type":"block-dirty-bitmap-add"}
    """
  }

  private func transaction(_ actions: String...) -> String {
    """
    {"arguments":{"actions":[\(actions.joined(separator: ","))]},"execute":"transaction"}
    """
  }
}
