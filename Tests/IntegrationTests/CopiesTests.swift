// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Copies to where a document says, which no pool lists.
struct CopiesTests {
  private static let both = """
    <domainbackup><disks><disk name='vda' type='file'><target file='@/a.qcow2'/></disk>
    <disk name='vdb' type='file'><driver type='raw'/><target file='@/b.raw'/></disk></disks>
    </domainbackup>
    """

  @Test(arguments: LibvirtMode.available)
  func `copies are whole and touch no chain`(mode: LibvirtMode) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    let scene = document.scene
    let domain = scene.domain
    defer { document.remove() }
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 1 1M 2M") }
    try scene.run("backup-create", "--backupname", "p1").expectSuccess()
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 2 2M 100k") }
    let bitmaps = try domain.ourBitmaps()
    let references = try domain.save()

    let made = try document.create(Self.both).expectSuccess()
    #expect(
      made.stdout.contains(
        "Copies of domain '\(domain.name)' created: vda \(document.path("a.qcow2")), "
          + "vdb \(document.path("b.raw"))"))
    #expect(try document.copies() == ["a.qcow2", "b.raw"])
    let (vda, vdb) = (try #require(references["vda"]), try #require(references["vdb"]))
    #expect(try vda.difference(from: document.path("a.qcow2"), format: .qcow2) == nil)
    #expect(try vdb.difference(from: document.path("b.raw"), format: .raw) == nil)
    var status = stat()
    #expect(stat(document.path("a.qcow2"), &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try domain.ourBitmaps() == bitmaps)
    #expect(try scene.points() == ["p1"])
    try scene.expectNoStrays()

    // Only what changed since a point: the rest is not in the image.
    let changes = """
      <domainbackup><incremental>p1</incremental><disks><disk name='vda' type='file'>
      <target file='@/changes.qcow2'/></disk></disks></domainbackup>
      """
    try document.create(changes).expectSuccess()
    let image = document.path("changes.qcow2")
    let map = try Command.run("qemu-img", ["map", "--output=json", "-f", "qcow2", image])
      .expectSuccess().stdout
    let data = map.matches(of: #/"start": ([0-9]+), "length": ([0-9]+).*"data": true/#)
      .compactMap { Int($0.2) }.reduce(0, +)
    #expect((100 << 10...192 << 10).contains(data), "\(map)")
    try Command.run(
      "qemu-img",
      ["rebase", "-u", "-F", "qcow2", "-b", scene.image("p1", "vda"), "-f", "qcow2", image]
    ).expectSuccess()
    #expect(try vda.difference(from: image, format: .qcow2) == nil)

    // What was made before goes on.
    try domain.libvirt.virsh("domstats", domain.name)
    try document.backupBegin(
      "<domainbackup><disks><disk name='vda' type='file'><target file='@/their'/></disk></disks></domainbackup>"
    ).expectSuccess()
    try eventually("libvirt's backup ends") {
      try domain.libvirt.virsh("domjobinfo", domain.name).contains("None")
    }
    #expect(try vda.difference(from: document.path("their"), format: .qcow2) == nil)
    try domain.write("vda", "write -P 3 3M 100k")
    let later = try domain.save()
    try scene.run("backup-create", "--backupname", "p2", "--incremental").expectSuccess()
    #expect(try scene.differences("p2", later) == [])
    try scene.expectNoStrays()
  }

  @Test(arguments: LibvirtMode.available)
  func `a file that is there is not touched, and none is left of what fails`(
    mode: LibvirtMode
  ) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    defer { document.remove() }
    try "mine".write(toFile: document.path("b.raw"), atomically: false, encoding: .utf8)
    let result = try document.create(Self.both)
    #expect(result.status == 1)
    #expect(
      result.firstError
        == "invalid argument: store '\(document.path("b.raw"))' for backup of 'vdb' exists")
    #expect(try document.copies() == ["b.raw"])
    #expect(try String(contentsOfFile: document.path("b.raw"), encoding: .utf8) == "mine")
    #expect(try document.scene.pool.files() == [])
    try document.scene.expectNoStrays()
  }

  @Test(.enabled(if: LibvirtMode.available.contains(.system)), arguments: LibvirtMode.available)
  func `a file system that becomes full ends the copy, not the guest`(mode: LibvirtMode) throws {
    let libvirt = try PrivateLibvirt.shared(mode)
    let document = try DocumentScene(
      libvirt, disks: [TestDisk("vda", size: 64 << 20), TestDisk("vdb", size: 1 << 20)])
    defer { document.remove() }
    try document.scene.domain.write("vda", "write -P 1 0 64M")
    let small = try Pool(libvirt, limit: 8 << 20)
    defer { small.remove() }
    let text = """
      <domainbackup><disks><disk name='vda' type='file'><target file='\(small.path("a"))'/></disk>
      <disk name='vdb' type='file'><target file='@/b'/></disk></disks></domainbackup>
      """
    let result = try document.create(text)
    #expect(result.status == 1 && result.stderr.contains("No space left"), "\(result)")
    #expect(try small.files() == [] && document.copies() == [])
    #expect(try document.scene.domain.state() == "running")
    try document.scene.expectNoStrays()
    #expect(try document.scene.pool.files() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `a killed client's copies are finished or undone`(mode: LibvirtMode) throws {
    let document = try DocumentScene(PrivateLibvirt.shared(mode))
    let scene = document.scene
    defer { document.remove() }
    for disk in ["vda", "vdb"] { try scene.domain.write(disk, "write -P 1 1M 200k") }
    let references = try scene.domain.save()
    let path = try document.document(Self.both)
    var endings: Set<Int> = []
    var undone = 0
    var number = mode == .session ? 1 : 2
    while true {
      let killed = try scene.run(
        "backup-create", path, environment: ["VIRSH_BACKUP_KILL_AT": "\(number)"])
      if number % 2 == 0 {
        let clients = try [scene.start("backup-jobinfo"), scene.start("backup-jobinfo")]
        for client in clients { try client.wait().expectSuccess() }
      } else {
        try scene.run("backup-jobinfo").expectSuccess()
      }
      try scene.run("backup-jobinfo").expectSuccess()
      try scene.expectNoStrays("after call \(number)")
      #expect(try scene.pool.files() == [], "after call \(number)")
      let copies = try document.copies()
      // Once the jobs run nothing is undone any more, but for what dies in the midst of a flush: how
      // that went nobody knows.
      if copies.isEmpty, endings.contains(2) { undone += 1 }
      #expect(undone <= 2, "after call \(number)")
      endings.insert(copies.count)
      if !copies.isEmpty {
        #expect(copies == ["a.qcow2", "b.raw"], "after call \(number)")
        for (disk, copy, format) in [
          ("vda", "a.qcow2", TestDisk.Format.qcow2), ("vdb", "b.raw", .raw),
        ] {
          #expect(
            try references[disk]?.difference(from: document.path(copy), format: format) == nil,
            "after call \(number)")
          try FileManager.default.removeItem(atPath: document.path(copy))
        }
      }
      guard killed.ending == .signalled(SIGKILL) else { break }
      number += 3
      try #require(number < 600, "the command never ended by itself")
    }
    #expect(endings == [0, 2] && number > 20)
  }
}
