// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What a restore over a domain refuses, and what a pool that others can write to must not decide.
struct OverwriteRefusalsTests {
  /// Runs a restore that must fail with that text, and must leave everything as it was.
  private func refuse(
    _ scene: OverwriteScene, _ text: String, _ more: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let directories = [scene.history.pool.directory, scene.domain.directory]
    let listing = {
      try Command.run("ls", ["-lR"] + directories).expectSuccess().stdout
        + scene.domain.inactiveDefinition()
    }
    let before = try listing()
    let result = try Program.run(
      scene.history.libvirt,
      ["backup-restore", scene.domain.name, "--backupname", "p", "--pool", scene.history.pool.name]
        + more)
    #expect(result.ending == .exited(1), "\(result)", sourceLocation: sourceLocation)
    #expect(result.stderr.contains(text), "\(result)", sourceLocation: sourceLocation)
    #expect(try listing() == before, sourceLocation: sourceLocation)
  }

  @Test func `options that do not go together are refused, and places that are taken`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let vda = try scene.domain.path("vda")
    try refuse(scene, "Option --overwrite is required by option --keep-old", "--keep-old")
    let exclusive = "are mutually exclusive"
    try refuse(scene, exclusive, "--overwrite", "--newname", "copy")
    try refuse(scene, exclusive, "--overwrite", "--no-define")
    try refuse(scene, "domain '\(scene.domain.name)' exists")
    try refuse(scene, "has no disk named 'vdc'", "--overwrite", "--diskspec", "vdc")
    try refuse(
      scene, "'\(vda)' is what the domain has now", "--overwrite", "--diskspec", "vda,file=\(vda)")
    try "mine".write(toFile: scene.path("mine"), atomically: false, encoding: .utf8)
    try refuse(
      scene, "file '\(scene.path("mine"))' exists", "--overwrite", "--diskspec",
      "vda,file=\(scene.path("mine"))")
    try refuse(
      scene, "two disks would be restored to", "--overwrite", "--diskspec",
      "vda,file=\(scene.path("x"))", "--diskspec", "vdb,file=\(scene.path("x"))")
  }

  @Test func `a domain in no state for it is refused`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let domain = scene.domain, libvirt = scene.history.libvirt
    try domain.start(paused: true)
    try refuse(scene, "domain '\(domain.name)' is running", "--overwrite")
    try libvirt.virsh(
      "checkpoint-create-as", domain.name, "c1", "--diskspec", "vda,checkpoint=bitmap",
      "--diskspec", "vdb,checkpoint=no")
    try libvirt.virsh("managedsave", domain.name)
    try refuse(scene, "has a managed save image", "--overwrite")
    try libvirt.virsh("managedsave-remove", domain.name)
    try refuse(scene, "checkpoint 'c1' of domain '\(domain.name)' has disk 'vda'", "--overwrite")
    try libvirt.virsh("checkpoint-delete", domain.name, "c1", "--metadata")
    try libvirt.virsh(
      "snapshot-create-as", domain.name, "s1", "--disk-only", "--diskspec",
      "vda,file=\(scene.path("overlay.qcow2"))", "--diskspec", "vdb,snapshot=no")
    try refuse(
      scene, "snapshot 's1' of domain '\(domain.name)' has disk 'vda'", "--overwrite", "--diskspec",
      "vda")
    // Another disk has nothing to do with it.
    try scene.overwrite("p", "--diskspec", "vdb").expectSuccess()
    try libvirt.virsh("snapshot-delete", domain.name, "s1", "--metadata")

    let uuid = try libvirt.uuid(of: domain.name)
    let name = "\(domain.name)-renamed"
    try libvirt.virsh("domrename", domain.name, name)
    defer { libvirt.discard(name) }
    func restore() throws -> CommandResult {
      try Program.run(
        libvirt, ["backup-restore", uuid, "--pool", scene.history.pool.name, "--overwrite"])
    }
    var result = try restore()
    #expect(result.status == 1 && result.stderr.contains("is named '\(name)' now"), "\(result)")
    try libvirt.virsh("undefine", name)
    let other = try TestDomain(libvirt, disks: [], name: domain.name, start: .off)
    defer { other.remove() }
    result = try restore()
    #expect(
      result.status == 1 && result.stderr.contains("'\(domain.name)' already exists with uuid"),
      "\(result)")
  }

  @Test func `a file that another domain uses is not replaced`() throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let libvirt = scene.history.libvirt
    let vda = try scene.domain.path("vda"), vdb = try scene.domain.path("vdb")
    do {
      let link = scene.path("link")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: vdb)
      let other = try TestDomain(libvirt, disks: [TestDisk("vda", .raw, path: link)], start: .off)
      defer { other.remove() }
      try refuse(scene, "'\(vdb)' is used by domain '\(other.name)'", "--overwrite")
    }
    let overlay = scene.path("overlay.qcow2")
    try Command.run(
      "qemu-img", ["create", "-q", "-f", "qcow2", "-b", vda, "-F", "qcow2", overlay]
    ).expectSuccess()
    try libvirt.giveToDaemon(overlay)
    try refuse(
      scene, "'\(vda)' is used by volume 'overlay.qcow2' as its backing file", "--overwrite")
    let other = try TestDomain(libvirt, disks: [TestDisk("vda", path: overlay)], start: .off)
    defer { other.remove() }
    try refuse(scene, "'\(vda)' is used by domain '\(other.name)'", "--overwrite")
    // One that stays may be anybody's.
    try scene.overwrite("p", "--keep-old").expectSuccess()
    #expect(try scene.differences(from: "p") == [])
  }

  @Test(arguments: [false, true])
  func `what a document in a pool others write to names is neither deleted nor moved`(
    isWhole: Bool
  ) throws {
    let scene = try OverwriteScene(PrivateLibvirt.shared(.session))
    defer { scene.history.remove() }
    let pool = scene.history.pool, directory = try scene.history.libvirt.makeDirectory("victims")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let restored = try scene.history.libvirt.makeDirectory("restored")
    let killed = try Program.run(
      scene.history.libvirt,
      [
        "backup-restore", scene.domain.name, "p", "--pool", pool.name, "--no-define",
        "--target-pool", restored,
      ], environment: ["VIRSH_BACKUP_KILL_AT": "blockdev-mirror"])
    #expect(killed.ending == .signalled(SIGKILL))

    let partial = try #require(try pool.files().first { $0.contains("partial") })
    var text = try String(contentsOfFile: pool.path(partial), encoding: .utf8)
    for disk in ["vda", "vdb"] {
      let victim = "\(directory)/\(disk)"
      try "theirs".write(toFile: victim, atomically: false, encoding: .utf8)
      let attributes = try Regex(
        "name=.\(disk). temporaryPath=.[^ ]+. path=.[^ /]*/[^ />]*/?[^ >]*")
      let place = try #require(text.firstRange(of: attributes))
      text.replaceSubrange(
        place, with: "name='\(disk)' temporaryPath='\(victim)' path='\(victim).moved'/")
    }
    try text.write(toFile: pool.path(partial), atomically: false, encoding: .utf8)
    if isWhole {
      try "done".write(toFile: pool.path("\(partial).done"), atomically: false, encoding: .utf8)
    }
    chmod(pool.directory, 0o777)
    try pool.refresh()
    let result = try scene.history.run("backup-jobinfo").expectSuccess()
    #expect(result.stdout.contains("left where it is"), "\(result)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == ["vda", "vdb"])
    try scene.expectNoStrays()
  }
}
