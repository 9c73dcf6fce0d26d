// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import Backup
@testable import BackupCore

/// Which disks a backup is of.
struct DiskSelectionTests {
  private static var world: World {
    var world = World(.init("vda"), .init("vdb", index: 2), .init("sda", "raw", index: 3))
    world.disks[2].device = "cdrom"
    world.disks[2].flags = "<readonly/>"
    return world
  }

  private func chosen(_ requests: DiskRequest...) throws -> [String] {
    try DiskSelectionTests.world.plan(.init(disks: requests)).manifest.disks.map(\.name)
  }

  @Test
  func `all but CD-ROMs, floppies, empty and read-only drives are taken, and that is said`() throws
  {
    var world = DiskSelectionTests.world
    world.disks.append(.init("fda", "raw", index: 4))
    world.disks[3].device = "floppy"
    world.disks.append(.init("sdb", "raw", index: 5))
    world.disks[4].layers = []
    world.disks.append(.init("vdc", index: 6))
    world.disks[5].flags = "<readonly/>"
    let plan = try world.plan()
    #expect(plan.manifest.disks.map(\.name) == ["vda", "vdb"])
    #expect(
      plan.leftOut == [
        "disk 'sda' is left out: CD-ROM", "disk 'fda' is left out: floppy",
        "disk 'sdb' is left out: empty", "disk 'vdc' is left out: read-only",
      ])
  }

  @Test
  func `naming disks selects them`() throws {
    #expect(try chosen(.init(name: "vdb")) == ["vdb"])
    #expect(try chosen(.init(name: "vdb"), .init(name: "vda")) == ["vda", "vdb"])
    #expect(try chosen(.init(name: "sda"), .init(name: "vdb", isIncluded: false)) == ["sda"])
  }

  @Test
  func `when all that are named say no, the others are taken`() throws {
    #expect(try chosen(.init(name: "vda", isIncluded: false)) == ["vdb"])
    let error = #expect(throws: BackupError.self) {
      try chosen(.init(name: "vda", isIncluded: false), .init(name: "vdb", isIncluded: false))
    }
    #expect(error?.description == "unsupported configuration: no disks selected for backup")
  }

  @Test
  func `unknown disks and disks named twice are refused`() throws {
    let unknown = #expect(throws: BackupError.self) { try chosen(.init(name: "vdz")) }
    #expect(unknown?.code == .notFound)
    #expect(unknown?.description == "unsupported configuration: no disk named 'vdz'")
    let twice = #expect(throws: BackupError.self) {
      try chosen(.init(name: "vda"), .init(name: "vda", isIncluded: false))
    }
    #expect(twice?.description == "unsupported configuration: disk 'vda' specified twice")
  }

  @Test(arguments: ["<transient/>", "<encryption format='luks'/>"])
  func `what cannot be backed up must be excluded by name`(flag: String) throws {
    var world = World(.init("vda"), .init("vdb", index: 2))
    world.disks[1].flags = flag
    let error = #expect(throws: BackupError.self) { try world.plan() }
    #expect(error?.description.contains("--diskspec vdb,backup=no") == true)
    #expect(throws: BackupError.self) { try world.plan(.init(disks: [.init(name: "vdb")])) }
    let rest = try world.plan(.init(disks: [.init(name: "vdb", isIncluded: false)]))
    #expect(rest.manifest.disks.map(\.name) == ["vda"])
  }

  @Test
  func `an empty drive cannot be named, nor a domain without disks be backed up`() throws {
    var world = World(.init("vda"), .init("sda", "raw", index: 2))
    world.disks[1].layers = []
    let error = #expect(throws: BackupError.self) {
      try world.plan(.init(disks: [.init(name: "sda")]))
    }
    #expect(error?.description.contains("has no media") == true)
    #expect(throws: BackupError.self) { try World().plan() }
  }
}

/// What a backup is called.
struct BackupNameTests {
  @Test
  func `the default is the time, with a number when that is taken`() throws {
    var world = World(.init("vda"))
    let name = try world.plan().manifest.name
    #expect(name == "20261123T021320Z")
    try world.make(name)
    world.time -= 1
    #expect(try world.plan().manifest.name == "\(name)-2")
    // A backup that is being made has its name too.
    world.repository.put("web1.\(name)-2.partial.xml", "")
    #expect(try world.plan().manifest.name == "\(name)-3")
  }

  @Test(arguments: ["", ".", ".hidden", "a/b", "../x", "a b", "ü", "a\n", "a\u{0}b", "a:b"])
  func `impossible names are refused`(name: String) {
    let error = #expect(throws: BackupError.self) {
      try World(.init("vda")).plan(.init(name: name))
    }
    #expect(error?.code == .invalid)
  }

  @Test
  func `a name in use is refused`() throws {
    var world = World(.init("vda"))
    try world.make("p1")
    let error = #expect(throws: BackupError.self) { try world.plan(.init(name: "p1")) }
    #expect(error?.code == .exists)
    // Renamed, the domain still has it.
    world.name = "web2"
    #expect(throws: BackupError.self) { try world.plan(.init(name: "p1")) }
    #expect(try world.plan(.init(name: "p2")).manifest.disks[0].mode == .incremental)
  }
}
