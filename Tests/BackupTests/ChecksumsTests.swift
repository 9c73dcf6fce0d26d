// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// The document with a point's checksums, and what it says when.
struct ChecksumsTests {
  private static let sum = String(repeating: "0123456789abcdef", count: 4)

  @Test func `what is written can be read, and is the same`() {
    let known = Checksums(
      point: World.makeUUID(1),
      sums: ["web1.p.vda.qcow2": Self.sum, #"a \ b"#: Self.sum, "with  two": Self.sum])
    #expect(Checksums(parsing: known.text) == known)
    #expect(known.text.contains("\\\(Self.sum)  a \\\\ b\n"))
    let wanted = Checksums(point: World.makeUUID(1))
    #expect(Checksums(parsing: wanted.text) == wanted && !wanted.text.contains("  "))
  }

  @Test(arguments: [
    "", "x", "# SHA-256 of backup 1\n", "\(sum)  a\n",
    "# SHA-256 of backup \(World.makeUUID(1))\n\(sum) a\n",
    "# SHA-256 of backup \(World.makeUUID(1))\n\(sum)x  a\n",
    "# SHA-256 of backup \(World.makeUUID(1))\n\(sum)  a\n\(sum)  a\n",
    "# SHA-256 of backup \(World.makeUUID(1))\nx\(sum.dropFirst())  a\n",
  ])
  func `what we did not write is not read`(text: String) {
    #expect(Checksums(parsing: text) == nil)
  }

  @Test func `those of another point of the name say nothing`() throws {
    var world = World(.init("vda"))
    let manifest = try world.make("p0")
    let point = try #require(try world.catalog().point(uuid: manifest.uuid))
    #expect(point.checksumsVolume == "web1.p0.sha256")
    world.repository.put(
      point.checksumsVolume, Checksums(point: World.makeUUID(7), sums: ["a": Self.sum]).text)
    #expect(try world.catalog().checksums(of: point, in: world.repository) == nil)
    world.repository.put(
      point.checksumsVolume, Checksums(point: manifest.uuid, sums: ["a": Self.sum]).text)
    #expect(try world.catalog().checksums(of: point, in: world.repository)?.sums.count == 1)
    // The volumes with checksums count neither as points nor as broken.
    #expect(try world.catalog().broken == [] && world.catalog().points.count == 1)
  }

  @Test func `data that was found wrong makes its point damaged, and no base`() throws {
    var world = World(.init("vda"))
    let manifest = try world.make("p0")
    let point = try #require(try world.catalog().point(uuid: manifest.uuid))
    var record = Verification(point: manifest.uuid)
    record.note(
      .init(
        level: .checksums, time: 1_795_400_000, isPassed: false,
        problems: [.init(volume: manifest.disks[0].volume.name, text: "its SHA-256 is wrong")]))
    world.repository.put(point.verificationVolume, try record.xml())
    let known = KnownDamage(try world.catalog(), in: world.repository)
    let problem = try #require(known.problem(of: manifest.disks[0].volume.name))
    #expect(problem.text.contains("its SHA-256 is wrong") && !problem.isMissing)
    #expect(known.problem(of: "other") == nil)
    record.note(.init(level: .checksums, time: 1_795_400_001, isPassed: true))
    world.repository.put(point.verificationVolume, try record.xml())
    let again = KnownDamage(try world.catalog(), in: world.repository)
    #expect(again.problem(of: manifest.disks[0].volume.name) == nil)
  }

  @Test func `a share of points is rounded up, and is one at least`() {
    #expect(Verify.count(of: 10, share: nil) == 10)
    #expect(Verify.count(of: 10, share: 100) == 10)
    #expect(Verify.count(of: 10, share: 25) == 3)
    #expect(Verify.count(of: 10, share: 1) == 1)
  }

  @Test func `a delete waits for what reads a point, and for no other`() throws {
    var world = World(.init("vda"))
    let points = try (0..<4).map { try world.make("p\($0)") }
    let catalog = try world.catalog()
    let delete = Partial.Delete(
      points: [.init(uuid: points[1].uuid, manifest: "a", volumes: [])],
      merges: [
        .init(
          point: points[2].uuid, disk: "vda", volume: points[2].disks[0].volume.name, backing: nil)
      ])
    func isConcerned(_ point: Manifest, disks: [String]) -> Bool {
      catalog.isConcerned(
        Partial(
          uuid: World.makeUUID(0xf00), pointName: "p", domainName: "web1",
          domainUUID: World.domainUUID, host: .init(uuid: World.makeUUID(0xf01)),
          owner: .init(host: "h", bootID: World.makeUUID(0xf02), pid: 1, startTime: 1),
          creationTime: 1, helper: nil,
          operation: .verify(.init(point: point.uuid, disks: disks))), by: delete)
    }
    #expect(points.map { isConcerned($0, disks: []) } == [false, true, true, false])
    #expect(points.map { isConcerned($0, disks: ["vda"]) } == [false, true, true, true])
  }
}
