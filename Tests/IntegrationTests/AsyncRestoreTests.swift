// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Restores that go on without their client.
struct AsyncRestoreTests {
  private static func make(_ mode: LibvirtMode) throws -> History {
    try History(
      PrivateLibvirt.shared(mode),
      disks: [TestDisk("vda", size: 64 << 20), TestDisk("vdb", .raw, size: 16 << 20)]
    ) { history in
      try history.domain.write("vda", "write -P 0x41 1M 48M")
      try history.domain.write("vdb", "write -P 0x42 1M 4M")
      try history.backUp("p")
    }
  }

  /// Waits until nothing is under way.
  private static func awaitEnd(_ history: History) throws {
    try eventually("the restore has ended", within: .seconds(60)) {
      try history.run("backup-jobinfo").expectSuccess().stdout.contains("None")
    }
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    #expect(try history.helpers() == [])
  }

  @Test(arguments: LibvirtMode.available)
  func `the next command that finds all copied defines the domain`(mode: LibvirtMode) throws {
    let history = try Self.make(mode)
    defer { history.remove() }
    let domain = history.domain
    try domain.vanish()
    let started = try history.run("backup-restore", "--async").expectSuccess().stdout
    #expect(started.contains("Restore of domain '\(domain.name)' from backup p started"))
    try Self.awaitEnd(history)
    #expect(try domain.state() == "shut off")
    for (target, reference) in history.references["p"] ?? [:] {
      #expect(
        try reference.difference(from: domain.path(target), format: history.format(of: target))
          == nil, "\(target)")
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `one that is cancelled or loses its helper leaves nothing`(mode: LibvirtMode) throws {
    let history = try Self.make(mode)
    defer { history.remove() }
    let directory = try history.libvirt.makeDirectory("restored")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    for isKilled in [false, true] {
      _ = try history.run(
        "backup-restore", "p", "--newname", "copy", "--target-pool", directory, "--async",
        "--bandwidth", "1"
      ).expectSuccess()
      let info = try history.run("backup-jobinfo").expectSuccess().stdout
      #expect(info.contains("Restore"), "\(info)")
      let helper = try #require(try history.helpers().first)
      if isKilled {
        kill(try #require(history.libvirt.qemuPID(domain: helper)), SIGKILL)
      } else {
        try history.run("backup-jobabort").expectSuccess()
      }
      try Self.awaitEnd(history)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
      #expect(try !history.libvirt.domainNames().contains("copy"))
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `the domain is started then where that was asked for`(mode: LibvirtMode) throws {
    let history = try Self.make(mode)
    defer { history.remove() }
    let domain = history.domain
    for (option, state) in [("--start", "running"), ("--paused", "paused")] {
      try domain.vanish()
      try history.run("backup-restore", "--async", option).expectSuccess()
      try Self.awaitEnd(history)
      #expect(try domain.state() == state)
    }
    try history.run("backup-create").expectSuccess()
  }
}
