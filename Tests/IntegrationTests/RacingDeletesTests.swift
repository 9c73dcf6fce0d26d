// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A delete and an operation that needs what it takes, each stopped around the moment at which it
/// writes down what it does, while the other runs.
struct RacingDeletesTests {
  /// What needs the point that is deleted.
  enum Other: String, CaseIterable, Sendable {
    case create, restore, stored, live
  }

  /// Who is stopped, and where.
  struct Race: Sendable, CustomTestStringConvertible {
    let other: Other
    let isDeleteStopped: Bool
    let isBeforeNote: Bool

    var testDescription: String {
      "\(isDeleteStopped ? "delete" : other.rawValue) stopped "
        + "\(isBeforeNote ? "before" : "after") its note, \(other.rawValue)"
    }

    /// Every race, where there is time; else each once, and all of what makes a new point.
    static let all = Other.allCases.flatMap { other in
      [true, false].flatMap { isDeleteStopped in
        [true, false].map {
          Race(other: other, isDeleteStopped: isDeleteStopped, isBeforeNote: $0)
        }
      }
    }.filter { race in
      switch race.other {
      case _ where Rounds.count(0) > 0: true
      case .create: true
      case .restore: !race.isDeleteStopped && race.isBeforeNote
      case .stored: race.isDeleteStopped == race.isBeforeNote
      case .live: race.isDeleteStopped && race.isBeforeNote
      }
    }
  }

  @Test(arguments: Race.all)
  func `never do both succeed`(race: Race) throws {
    let history = try History(
      PrivateLibvirt.shared(.session), disks: [TestDisk("vda", size: 2 << 20)])
    defer { history.remove() }
    let domain = history.domain, libvirt = history.libvirt
    let copy = libvirt.uniqueName("copy")
    let directory = try libvirt.makeDirectory(copy)
    defer {
      libvirt.discard(copy)
      try? FileManager.default.removeItem(atPath: directory)
    }
    try domain.write("vda", "write -P 1 0 100k")
    try history.backUp("p0")
    let reference = try #require(history.references["p0"]?["vda"])
    try domain.write("vda", "write -P 2 1M 100k")
    let next = try domain.save()

    let pool = ["--pool", history.pool.name]
    let delete = ["backup-delete", domain.name, "p0"] + pool
    let other =
      switch race.other {
      case .create:
        ["backup-create", domain.name, "--backupname", "q", "--parent", "p0"] + pool
      case .restore:
        [
          "backup-restore", domain.name, "p0", "--newname", copy, "--target-pool", directory,
        ] + pool
      case .stored:
        ["backup-start-nbd", domain.name, "--backupname", "s", "--stored", "p0"] + pool
      case .live:
        [
          "backup-restore", domain.name, "p0", "--newname", copy, "--target-pool", directory,
          "--live", "--paused", "--bandwidth", "1", "--async",
        ] + pool
      }
    // The note is the first volume that is made, and the first that is written.
    let stop =
      race.isBeforeNote
      ? ["VIRSH_BACKUP_STOP_BEFORE": "virStorageVolCreateXML"]
      : ["VIRSH_BACKUP_STOP_AT": "write"]
    let stopped = try Program.start(
      libvirt, race.isDeleteStopped ? delete : other, environment: stop)
    defer { stopped.signal(SIGKILL) }
    try eventually("it is stopped") { stopped.isStopped || stopped.hasEnded }
    #expect(!stopped.hasEnded)
    let second = try Program.run(libvirt, race.isDeleteStopped ? other : delete)
    stopped.signal(SIGCONT)
    let first = try stopped.wait()
    let (deleted, done) = race.isDeleteStopped ? (first, second) : (second, first)

    let text = "\(deleted)\n\(done)"
    #expect(deleted.status == 1 || done.status == 1 || race.other == .restore, "\(text)")
    for loser in [deleted, done] where loser.status != 0 {
      #expect(loser.stderr.contains("error: "), "\(text)")
      #expect(
        loser.stderr.contains("p0")
          && ["delete", "us", "stands on", "gone"].contains { loser.stderr.contains($0) }, "\(text)"
      )
    }
    #expect(try history.listed().contains("p0") == (deleted.status != 0), "\(text)")
    #expect(
      try history.pool.files().contains("\(domain.name).p0.vda.qcow2") == (deleted.status != 0))
    switch race.other {
    case .create:
      #expect(try history.listed().contains("q") == (done.status == 0), "\(text)")
      if done.status == 0 {
        let image = history.pool.path("\(domain.name).q.vda.qcow2")
        #expect(try next["vda"]?.difference(from: image, format: .qcow2) == nil, "\(text)")
      }
    case .restore:
      guard done.status == 0 else { break }
      #expect(
        try reference.difference(from: "\(directory)/\(copy)-vda.qcow2", format: .qcow2) == nil)
    case .stored:
      if done.status == 0 { try history.run("backup-finish-nbd", "s").expectSuccess() }
    case .live:
      guard done.status == 0 else { break }
      try libvirt.virsh("destroy", copy)
      #expect(
        try reference.difference(from: "\(directory)/\(copy)-vda.qcow2", format: .qcow2) == nil)
      try libvirt.virsh("undefine", copy)
      _ = try history.run("backup-jobinfo")
    }
    if done.status != 0 {
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [], "\(text)")
    }
    #expect(
      try history.pool.files().filter { $0.contains("partial") || $0.contains(".s.") } == [],
      "\(text)")
    try expect(history.helpers(), [])
  }
}
