// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Backup
@testable import BackupCore

/// Tests that each kind of operation answers what the facade asks of one that is under way.
struct PendingOperationTests {
  typealias Kind = LeftOperation.Kind
  typealias Machine = LeftOperation.Machine

  /// The kinds that make files outside of the pool, and one of these each.
  private static let files: [Kind: String] = [
    .copy: "/copies/vda.img", .restore: "/images/new.part", .asyncRestore: "/images/new.part",
    .live: "/images/vda.img",
  ]

  @Test(arguments: Kind.allCases)
  func `one of a host that is gone is forgotten, and told is which files are left there`(
    kind: Kind
  ) throws {
    let left = try LeftOperation(kind, .nothing, owner: .alive, isHere: false)
    let answer = left.answer { "\(try $0.forgetGoneHosts(domainUUID: $1).count)" }
    #expect(answer.text == "1", "\(answer)")
    #expect(
      answer.notices == (Self.files[kind].map { ["left on that host: \($0)"] } ?? []), "\(answer)")
    #expect(try left.isSettled(), "\(answer)")
    // The copies are none of the pool's.
    #expect(left.volumes == (kind == .copy ? ["web1.p.vda.qcow2"] : []), "\(answer)")
  }

  @Test(arguments: Kind.allCases, Machine.allCases)
  func `one whose client is dead can be aborted, also where its files cannot be deleted`(
    kind: Kind, machine: Machine
  ) throws {
    // A live restore whose domain stands on the pool keeps running on that.
    guard kind != .live || machine == .nothing else { return }
    let left = try LeftOperation(kind, machine, owner: .dead)
    let answer = left.answer {
      try $0.abort(domainUUID: $1)
      return "aborted"
    }
    #expect(answer.text == "aborted", "\(answer)")
    #expect(try left.isSettled(), "\(answer)")
    let isTold = answer.notices.contains { $0.contains(" is left where it is") }
    #expect(isTold == (Self.files[kind] != nil), "\(answer)")
  }

  @Test(arguments: [
    (Kind.create, "create"), (.copy, "create"), (.restore, "restore"), (.asyncRestore, "restore"),
    (.live, "live"), (.delete, "delete"), (.session, "nbd"), (.storedSession, "nbd"),
    (.verify, "verify"),
  ])
  func `one whose client is at it is shown by the name of its kind`(kind: Kind, name: String) throws
  {
    let left = try LeftOperation(kind, .nothing, owner: .alive)
    let answer = left.answer { engine, domain in
      try engine.jobs(of: domain).map { "\($0.operation) \($0.name): \($0.state)" }
        .joined(separator: ", ")
    }
    // Without its QEMU a live restore stands still.
    #expect(answer.text == "\(name) p: \(kind == .live ? "shut off" : "running")", "\(answer)")
    #expect(answer.notices == [], "\(answer)")
  }
}
