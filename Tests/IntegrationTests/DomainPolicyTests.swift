// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Tests what becomes of a domain's policy when the domain is changed, backed up or copied.
struct DomainPolicyTests {
  private func policy(of domain: String, _ libvirt: PrivateLibvirt) throws -> String {
    try Program.expectSuccess(libvirt, "backup-policy", domain, "--json")
  }

  @Test(arguments: LibvirtMode.available)
  func `it survives edit, restart and rename, is in a backup, and not in a copy`(
    mode: LibvirtMode
  ) throws {
    let scene = try Scene(PrivateLibvirt.shared(mode), start: .paused)
    defer { scene.remove() }
    let libvirt = scene.libvirt
    var name = scene.domain.name
    try Program.expectSuccess(
      libvirt, "backup-policy", name, "--pool", scene.pool.name, "--keep-daily", "7", "--exclude",
      "vdb")
    let expected = #""keep":{"daily":7}"#
    #expect(try policy(of: name, libvirt).contains(expected))
    // In both definitions, as a person would look for it.
    for flags in [[], ["--inactive"]] {
      let text = try libvirt.virsh(["dumpxml", name] + flags)
      #expect(text.contains("<vb:policy xmlns:vb=\"https://virsh-backup/ns/1\""), "\(text)")
      #expect(text.contains("<vb:keep daily=\"7\"/>"), "\(text)")
    }
    try scene.run("backup-create", "--backupname", "p").expectSuccess()

    // An editor that adds a rule.
    let editor = "\(scene.domain.directory)/editor"
    try "#!/bin/sh\nsed -i 's/daily=\"7\"/daily=\"8\"/' \"$1\"\n"
      .write(toFile: editor, atomically: false, encoding: .utf8)
    chmod(editor, 0o755)
    try Command.run(
      "virsh", ["-q", "-c", libvirt.uri, "edit", name], environment: ["EDITOR": editor]
    ).expectSuccess()
    #expect(try policy(of: name, libvirt).contains(#""keep":{"daily":8}"#))
    try scene.domain.destroy()
    try scene.domain.start(paused: true)
    #expect(try libvirt.virsh("dumpxml", name).contains("<vb:keep daily=\"8\"/>"))
    try scene.domain.destroy()
    try libvirt.virsh("domrename", name, "\(name)-renamed")
    name = "\(name)-renamed"
    defer { libvirt.discard(name) }
    #expect(try policy(of: name, libvirt).contains(#""keep":{"daily":8}"#))

    let copies = try libvirt.makeDirectory("copies")
    defer { try? FileManager.default.removeItem(atPath: copies) }
    try Program.run(
      libvirt,
      [
        "backup-restore", name, "p", "--pool", scene.pool.name, "--newname", "\(name)-copy",
        "--target-pool", copies,
      ]
    ).expectSuccess()
    defer { libvirt.discard("\(name)-copy") }
    #expect(try policy(of: "\(name)-copy", libvirt).contains(#""policy":null"#))
    try libvirt.virsh("undefine", name)
    try FileManager.default.removeItem(atPath: scene.domain.path("vda"))
    try FileManager.default.removeItem(atPath: scene.domain.path("vdb"))
    try Program.run(libvirt, ["backup-restore", scene.domain.name, "p", "--pool", scene.pool.name])
      .expectSuccess()
    #expect(try policy(of: scene.domain.name, libvirt).contains(expected))
  }

  @Test func `a policy that cannot be read stops its own domain alone`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let scene = try Scene(libvirt, disks: [TestDisk("vda", size: 8 << 20)], start: .off)
    defer { scene.remove() }
    let locks = try libvirt.makeDirectory("locks")
    defer { try? FileManager.default.removeItem(atPath: locks) }
    try libvirt.virsh(
      "metadata", scene.domain.name, "https://virsh-backup/ns/1", "--key", "vb", "--set",
      "<policy><retry times='3'/></policy>", "--config")
    let shown = try Program.run(libvirt, ["backup-policy", scene.domain.name])
    #expect(
      shown.status == 1 && shown.stderr.contains("unknown element <retry> in <policy>"), "\(shown)")
    let run = try Program.run(
      libvirt, ["backup-run", scene.domain.name], environment: ["RUNTIME_DIRECTORY": locks])
    #expect(run.status == 1 && run.stderr.contains("its policy cannot be read"), "\(run)")
    #expect(run.stdout.contains("1 domain: 0 backed up, 1 failed"), "\(run)")
    try Program.expectSuccess(libvirt, "backup-policy", scene.domain.name, "--remove")
    #expect(
      try Program.expectSuccess(libvirt, "backup-policy", scene.domain.name)
        .contains("No policy for domain"))
  }
}
