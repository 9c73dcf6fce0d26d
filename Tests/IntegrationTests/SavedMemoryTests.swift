// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Memory that libvirt saved for the next start of a domain, and kept for longer than its disks.
struct SavedMemoryTests {
  @Test(arguments: LibvirtMode.available)
  func `no domain is restored that would start with memory from before`(mode: LibvirtMode) throws {
    let history = try History(
      PrivateLibvirt.shared(mode), disks: [TestDisk("vda", size: 4 << 20)])
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    try domain.write("vda", "write -P 1 1M 1M")
    try history.backUp("p")
    let definition = try domain.inactiveDefinition()
    try libvirt.virsh("managedsave", domain.name)
    let directory =
      mode == .session
      ? "\(libvirt.directory)/c/libvirt/qemu/save"
      : "\(libvirt.directory)/var/lib/libvirt/qemu/save"
    let saved = "\(directory)/\(domain.name).save", kept = "\(domain.directory)/kept"
    try FileManager.default.copyItem(atPath: saved, toPath: kept)
    let overwritten = try history.run("backup-restore", "p", "--overwrite")
    #expect(
      overwritten.status == 1 && overwritten.stderr.contains("managedsave-remove"),
      "\(overwritten)")

    // The domain goes, and its memory stays.
    try domain.vanish()
    try FileManager.default.moveItem(atPath: kept, toPath: saved)
    defer { try? FileManager.default.removeItem(atPath: saved) }
    for more in [["--start"], ["--live"], ["--async"]] {
      let refused = try Program.run(
        libvirt,
        ["backup-restore", domain.name, "p", "--pool", history.pool.name] + more)
      #expect(
        refused.status == 1
          && refused.stderr.contains(
            "/qemu/save/\(domain.name).save', which is not of the restored"),
        "\(refused)")
      #expect(try !libvirt.domainNames().contains(domain.name))
      #expect(try !FileManager.default.fileExists(atPath: domain.path("vda")))
      #expect(try history.pool.files().allSatisfy { !$0.contains("partial") })
    }
    // A copy has another name, and the disks alone no memory.
    let copy = libvirt.uniqueName("copy")
    defer { libvirt.discard(copy) }
    try history.run("backup-restore", "p", "--newname", copy).expectSuccess()

    // libvirt does not say so of a domain that was defined since, but would start it so.
    let file = "\(domain.directory)/again.xml"
    try definition.write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.virsh("define", file)
    try Command.run("qemu-img", ["create", "-q", "-f", "qcow2", domain.path("vda"), "4M"])
      .expectSuccess()
    let again = try history.run("backup-restore", "p", "--overwrite")
    #expect(again.status == 1 && again.stderr.contains("move that file away"), "\(again)")
    try FileManager.default.removeItem(atPath: saved)
    try history.run("backup-restore", "p", "--overwrite").expectSuccess()
    let source = try #require(
      try domain.inactiveDefinition().firstMatch(of: /<source file='([^']+)'/)?.1)
    #expect(
      try history.references["p"]?["vda"]?.difference(from: String(source), format: .qcow2) == nil)
  }
}
