// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A QEMU that is stopped answers nothing, and libvirt waits for it without a limit: a command can be
/// ended all the same.
struct SilentProcessTests {
  @Test(arguments: ["interrupted", "timed out"])
  func `a restore whose helper is silent ends when it is told to, and leaves nothing`(
    cause: String
  ) throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)])
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x21 1M 48M")
    try scene.run("backup-create", "--backupname", "p").expectSuccess()
    let directory = try scene.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let hasLimit = cause == "timed out"
    let (client, helper) = try scene.startRestoreSlowly(
      "p", to: directory, options: hasLimit ? ["--timeout", "15"] : [])
    kill(try #require(scene.libvirt.qemuPID(domain: helper)), SIGSTOP)
    if !hasLimit { client.signal(SIGINT) }
    let result = try client.wait()
    #expect(result.status == 1, "\(result)")
    #expect(result.stderr.hasSuffix("error: \(cause), nothing was kept\n"), "\(result)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    #expect(try !scene.libvirt.domainNames().contains(helper))
    try scene.expectNoStrays()
    try scene.run("backup-create", "--incremental").expectSuccess()
  }

  @Test func `a helper that is silent is ended with its operation`() throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 64 << 20)])
    defer { history.remove() }
    try history.domain.write("vda", "write -P 0x41 1M 48M")
    try history.backUp("p")
    let directory = try history.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try history.run(
      "backup-restore", "p", "--newname", "copy", "--target-pool", directory, "--async",
      "--bandwidth", "1"
    ).expectSuccess()
    let helper = try #require(try history.helpers().first)
    kill(try #require(history.libvirt.qemuPID(domain: helper)), SIGSTOP)
    try history.run("backup-jobabort").expectSuccess()
    #expect(try history.helpers() == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    #expect(try history.differences(of: ["p"]) == [])
  }

  @Test func `a backup of a guest whose QEMU is silent can be given up`() throws {
    let scene = try Scene(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 256 << 20)])
    defer { scene.remove() }
    try scene.domain.write("vda", "write -P 0x41 0 224M")
    let client = try scene.startSlowly("p")
    let pid = try #require(scene.libvirt.qemuPID(domain: scene.domain.name))
    kill(pid, SIGSTOP)
    client.signal(SIGTERM)
    let result = try client.wait()
    kill(pid, SIGCONT)
    #expect(result.status == 1, "\(result)")
    #expect(result.stderr.contains("does not answer"), "\(result)")
    try scene.run("backup-jobabort").expectSuccess()
    #expect(try scene.pool.files() == [])
    try scene.expectNoStrays()
    #expect(try scene.domain.state() == "running")
  }
}
