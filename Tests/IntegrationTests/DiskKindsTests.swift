// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Disks that are no plain files: what a backup has of them, and where it goes.
struct DiskKindsTests {
  private static let disks = [TestDisk("vda", size: 4 << 20), TestDisk("vdb", .raw, size: 4 << 20)]

  /// Restores the newest point into a directory and compares it with its reference.
  private func expectRestored(
    _ history: History, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let point = try #require(history.points.last)
    #expect(try history.differences(of: [point]) == [], sourceLocation: sourceLocation)
  }

  @Test func `a disk on a backing file comes back as one image`() throws {
    let history = try History(PrivateLibvirt.shared(.session), disks: Self.disks)
    defer { history.remove() }
    let domain = history.domain
    try domain.write("vda", "write -P 1 1M 1M")
    try domain.destroy()
    let base = try domain.path("vda"), overlay = "\(domain.directory)/overlay.qcow2"
    try Command.run(
      "qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", overlay]
    ).expectSuccess()
    try history.libvirt.giveToDaemon(overlay)
    try domain.redefine(replacing: [(base, overlay)])
    try domain.start(paused: true)
    try domain.write("vda", "write -P 2 1536k 1M")
    try history.backUp("f")
    try domain.write("vda", "write -P 3 3M 100k")
    #expect(try history.backUp("i").reasons == [])
    try domain.destroy()
    // And where it is shut off.
    #expect(try history.backUp("off").disk("vda") != nil)
    try expectRestored(history)
    try domain.vanish()
    try FileManager.default.removeItem(atPath: overlay)
    try history.run("backup-restore", "i").expectSuccess()
    #expect(try history.references["i"]?["vda"]?.difference(from: overlay, format: .qcow2) == nil)
    let info = try Command.run("qemu-img", ["info", overlay]).expectSuccess().stdout
    #expect(!info.contains("backing file"))
  }

  @Test(arguments: LibvirtMode.available)
  func `a network disk is backed up and comes back as a file`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode), disks: Self.disks, start: .off)
    defer { history.remove() }
    let domain = history.domain
    let socket = "\(domain.directory)/nbd", vdb = try domain.path("vdb")
    let server = try Command.start(
      "qemu-nbd", ["-f", "raw", "-x", "disk", "-k", socket, "--persistent", "--shared=8", vdb])
    defer {
      server.signal(SIGTERM)
      _ = try? server.wait()
    }
    try eventually("the server listens") { access(socket, F_OK) == 0 }
    chmod(socket, 0o777)
    let definition = try domain.inactiveDefinition()
    let source = "<source file='\(vdb)'/>"
    let range = try #require(
      definition.firstRange(
        of: try Regex("<disk type='file'[^<]*<driver [^<]*<source file='\(vdb)'/>")))
    let old = String(definition[range])
    let new = old.replacing("type='file'", with: "type='network'").replacing(
      source,
      with: "<source protocol='nbd' name='disk'><host transport='unix' socket='\(socket)'/>"
        + "</source>")
    try domain.redefine(replacing: [(old, new)])
    try domain.start(paused: true)
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 1 1M 1M") }
    try history.backUp("f")
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 2 1536k 1M") }
    #expect(try history.backUp("i").reasons == [])
    try expectRestoredInto(history, "i")
    try domain.destroy()
    #expect(try history.backUp("off").reasons == ["vdb bitmap_lost"])
    try expectRestoredInto(history, "off")

    // Over the domain: the network disk is left alone, the other's file goes.
    let target = try Pool(history.libvirt)
    defer { target.remove() }
    let served = try Data(contentsOf: URL(filePath: vdb))
    try history.run("backup-restore", "f", "--overwrite", "--target-pool", target.name)
      .expectSuccess()
    #expect(try target.files() == ["vda.qcow2", "vdb.img"])
    #expect(try !domain.inactiveDefinition().contains("network'"))
    for (disk, file) in [("vda", "vda.qcow2"), ("vdb", "vdb.img")] {
      #expect(try domain.inactiveDefinition().contains("<source file='\(target.path(file))'/>"))
      #expect(
        try history.references["f"]?[disk]?.difference(
          from: target.path(file), format: history.format(of: disk)) == nil)
    }
    #expect(try !FileManager.default.fileExists(atPath: domain.path("vda")))
    #expect(try Data(contentsOf: URL(filePath: vdb)) == served)
    try domain.start(paused: true)
    try domain.destroy()

    try domain.undefine()
    let refused = try history.run("backup-restore")
    #expect(refused.status == 1 && refused.stderr.contains("'vdb' was not a file"), "\(refused)")
  }

  /// The same where a disk had no file whose name a restored one could have.
  private func expectRestoredInto(_ history: History, _ point: String) throws {
    let target = try Pool(history.libvirt)
    defer { target.remove() }
    try history.run(
      "backup-restore", point, "--no-define", "--target-pool", target.name
    ).expectSuccess()
    #expect(try target.files() == ["vda.qcow2", "vdb.img"])
    for (disk, file) in [("vda", "vda.qcow2"), ("vdb", "vdb.img")] {
      #expect(
        try history.references[point]?[disk]?.difference(
          from: target.path(file), format: history.format(of: disk)) == nil, "\(point)")
    }
  }

  @Test(.enabled(if: LoopDevices.arePossible), arguments: LibvirtMode.available)
  func `disks go to block devices, are backed up from them and go back`(mode: LibvirtMode) throws {
    let history = try History(PrivateLibvirt.shared(mode), disks: Self.disks)
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    for disk in ["vda", "vdb"] { try domain.write(disk, "write -P 1 1M 1M") }
    try history.backUp("f")
    try domain.vanish()
    let devices = try LoopDevices([8 << 20, 5 << 20, 1 << 20], in: domain.directory, libvirt)
    let (image, bare, small) = (devices.paths[0], devices.paths[1], devices.paths[2])
    // What was there before must not shine through.
    try Command.run("qemu-io", ["-f", "raw", "-c", "write -P 255 0 5M", bare]).expectSuccess()
    func specification(_ bare: String) -> [String] {
      [
        "--diskspec", "vda,file=\(image),stype=block", "--diskspec",
        "vdb,file=\(bare),stype=block",
      ]
    }
    func refuse(_ text: String, _ result: CommandResult) {
      #expect(result.status == 1 && result.stderr.contains(text), "\(result)")
    }

    try refuse("has 1048576 bytes", run(history, ["f"] + specification(small)))
    let claim = open(bare, O_RDWR | O_EXCL | O_CLOEXEC)
    try #require(claim >= 0)
    try refuse("is mounted or used by the system", run(history, ["f"] + specification(bare)))
    close(claim)
    try run(history, ["f"] + specification(bare)).expectSuccess()
    let definition = try domain.inactiveDefinition()
    #expect(definition.contains("<source dev='\(image)'/>"))
    #expect(definition.contains("<source dev='\(bare)'/>"))
    try expect(history, "f", image, bare)

    // Another domain must not write what this one has.
    try refuse(
      "'\(image)' is used by domain '\(domain.name)'",
      run(history, ["f", "--newname", "\(domain.name)-copy"] + specification(bare)))
    try Program.run(
      libvirt,
      ["backup-create", domain.name, "--pool", history.pool.name, "--backupname", "g"]
    ).expectSuccess()
    // A device is written in place only when that is asked for.
    try refuse("was not a file", run(history, ["g", "--overwrite"]))
    for path in [image, bare] {
      try Command.run("qemu-io", ["-f", "raw", "-c", "write -P 254 512k 1M", path]).expectSuccess()
    }
    try run(history, ["g", "--overwrite"] + specification(bare)).expectSuccess()
    try expect(history, "f", image, bare)
    // Without that the disks go back to files, and the devices keep what they have.
    try run(history, ["f", "--overwrite"]).expectSuccess()
    #expect(try !domain.inactiveDefinition().contains("<source dev="))
    #expect(try domain.differences().count == 0)
    try expect(history, "f", image, bare)
    #expect(try history.pool.files().allSatisfy { !$0.contains("partial") })
    _ = consume devices
  }

  private func run(_ history: History, _ arguments: [String]) throws -> CommandResult {
    try Program.run(
      history.libvirt,
      ["backup-restore", history.domain.name, "--pool", history.pool.name, "--backupname"]
        + arguments)
  }

  /// Expects that devices hold the disks of a point.
  private func expect(
    _ history: History, _ point: String, _ image: String, _ bare: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let raw = "\(history.domain.directory)/raw"
    for (disk, device, format) in [("vda", image, "qcow2"), ("vdb", bare, "raw")] {
      try Command.run("qemu-img", ["convert", "-f", format, "-O", "raw", device, raw])
        .expectSuccess()
      try Command.run("truncate", ["-s", "\(4 << 20)", raw]).expectSuccess()
      #expect(
        try history.references[point]?[disk]?.difference(from: raw, format: .raw) == nil,
        "\(disk)", sourceLocation: sourceLocation)
    }
  }
}
