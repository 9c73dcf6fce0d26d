// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Backups that a user protects, and what a user writes about them.
struct ProtectedTests {
  /// Three points, each on the one before.
  private func history() throws -> History {
    try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 2 << 20)]
    ) { history in
      for number in 0..<3 {
        try history.domain.write("vda", "write -P \(number + 1) \(number * 300)k 100k")
        try history.backUp("p\(number)")
      }
    }
  }

  @Test func `what is protected is not deleted in any way, until it is let go`() throws {
    let history = try history()
    defer { history.remove() }
    try history.run("backup-protect", "p1").expectSuccess()
    let refused = [
      ["p1"], ["p1", "--diskspec", "vda"], ["p0", "--children"], ["p0", "--children-only"],
    ]
    let pool = ["--pool", history.pool.name]
    for arguments in refused {
      let result = try Program.run(
        history.libvirt, ["backup-delete", history.domain.name] + arguments + pool)
      #expect(result.status == 1, "\(result)")
      #expect(result.stderr.contains("'p1' is protected"), "\(result)")
      #expect(
        result.stderr.contains("'backup-protect \(history.domain.name) p1 --off'"), "\(result)")
    }
    let all = try Program.run(
      history.libvirt,
      ["backup-prune", "--keep-last", "1", "--domain", history.domain.name] + pool)
    #expect(all.status == 0 && all.stdout.contains("1 backup of domain"), "\(all)")
    #expect(try history.listed() == ["p1", "p2"])
    history.drop(["p0"])
    #expect(try history.differences() == [])
    try history.run("backup-protect", "p1", "--off").expectSuccess()
    try history.run("backup-delete", "p1").expectSuccess()
    history.drop(["p1"])
    #expect(try history.listed() == ["p2"])
    #expect(try history.differences() == [])
  }

  @Test func `what was noted stays when a manifest is rewritten by a merge`() throws {
    let history = try history()
    defer { history.remove() }
    // A delete that is written down with the manifest as it was.
    let left = try Program.run(
      history.libvirt,
      ["backup-delete", history.domain.name, "p0", "--pool", history.pool.name],
      environment: ["VIRSH_BACKUP_KILL_AT": "write"])
    #expect(left.ending == .signalled(SIGKILL), "\(left)")
    let merge = try Program.startStopped(
      history.libvirt, ["backup-jobinfo", history.domain.name, "--pool", history.pool.name],
      before: "block-stream")
    defer { merge.signal(SIGKILL) }
    try history.run("backup-desc", "p1", "before", "the upgrade").expectSuccess()
    try history.run("backup-protect", "p1").expectSuccess()
    let ended = try merge.finish()
    #expect(ended.status == 0, "\(ended)")
    #expect(try history.listed() == ["p1", "p2"])
    #expect(try history.run("backup-desc", "p1").stdout == "before the upgrade\n\n")
    let info = try history.run("backup-info", "p1").stdout
    #expect(info.contains("Protected:      yes\n"), "\(info)")
    history.drop(["p0"])
    #expect(try history.differences() == [])
    try history.run("backup-desc", "p1", "").expectSuccess()
    #expect(try history.run("backup-info", "p1").stdout.contains("Description") == false)
  }

  /// The client that is stopped, and the step at which it is.
  enum Race: CaseIterable, Sendable {
    /// A client that protects, before it looks for the last time, and right after that.
    case protectBeforeLook, protectAfterLook
    /// A client that deletes, before it has written that down, and right after that.
    case deleteBeforeNote, deleteAfterNote
  }

  @Test(arguments: Race.allCases, ["p0", "p2"])
  func `of a protection and a delete of one backup one succeeds`(race: Race, point: String) throws {
    let history = try history()
    defer { history.remove() }
    let delete = ["backup-delete", history.domain.name, point, "--pool", history.pool.name]
    let protect = ["backup-protect", history.domain.name, point, "--pool", history.pool.name]
    let isDeleteStopped = race == .deleteBeforeNote || race == .deleteAfterNote
    let stop =
      switch race {
      case .protectBeforeLook: ["VIRSH_BACKUP_STOP_BEFORE": "replace"]
      case .protectAfterLook: ["VIRSH_BACKUP_STOP_AT": "replace"]
      case .deleteBeforeNote: ["VIRSH_BACKUP_STOP_BEFORE": "virStorageVolCreateXML"]
      case .deleteAfterNote: ["VIRSH_BACKUP_STOP_AT": "write"]
      }
    let stopped = try Program.start(
      history.libvirt, isDeleteStopped ? delete : protect, environment: stop)
    defer { stopped.signal(SIGKILL) }
    try stopped.awaitStop()
    #expect(!stopped.hasEnded)
    let second = try Program.run(history.libvirt, isDeleteStopped ? protect : delete)
    let first = try stopped.finish()
    let (deleted, protected) = isDeleteStopped ? (first, second) : (second, first)

    let text = "\(deleted)\n\(protected)"
    // The client that is stopped comes too late, unless it is a delete that is written down.
    #expect((deleted.status == 0) == (race != .deleteBeforeNote), "\(text)")
    #expect((protected.status == 0) == (race == .deleteBeforeNote), "\(text)")
    #expect(try history.listed().contains(point) == (deleted.status != 0), "\(text)")
    if deleted.status == 0 { history.drop([point]) }
    #expect(try history.listed() == history.points)
    #expect(try history.differences() == [])
    #expect(try history.pool.files().filter { $0.contains("partial") } == [])
    try expect(history.helpers(), [])
  }
}
