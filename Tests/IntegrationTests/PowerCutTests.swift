// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What is left in the pool when the power of its disk fails at any moment.
@Suite(.enabled(if: FaultyStorage.isPossible))
struct PowerCutTests {
  /// What is under way.
  private enum Operation: CaseIterable {
    case create, delete, restore
  }

  @Test func `a power cut takes no point that was listed, and lists none that is not whole`() throws
  {
    // A daemon of its own: what uses the disk has to end.
    let libvirt = try PrivateLibvirt(.system)
    defer { libvirt.close() }
    let storage = try FaultyStorage(libvirt, limit: 256 << 20)
    defer { storage.remove() }
    let scene = try Scene(
      libvirt, disks: [TestDisk("vda", size: 48 << 20)], start: .paused,
      directory: storage.directory)
    defer { scene.remove() }
    var references: [String: [String: ReferenceImage]] = [:]
    var number = 0
    func change() throws {
      number += 1
      try scene.domain.write("vda", "write -P \(number % 255 + 1) \(number * 7 % 40)M 3M")
      references["p\(number)"] = try scene.domain.save()
    }
    func expectWhole(_ when: String) throws {
      for point in try scene.points() {
        #expect(try scene.differences(point, references[point] ?? [:]) == [], "\(point), \(when)")
      }
    }
    for round in 0..<Rounds.count(3) {
      let operation = Operation.allCases[round % Operation.allCases.count]
      while try scene.points().count < 4 {
        try change()
        try scene.run("backup-create", "--backupname", "p\(number)").expectSuccess()
      }
      let listed = try scene.points()
      let point: String
      let client: RunningCommand
      switch operation {
      case .create:
        try change()
        point = "p\(number)"
        client = try scene.start("backup-create", "--backupname", point)
      case .delete:
        point = listed[1]
        client = try scene.start("backup-delete", point)
      case .restore:
        point = listed[2]
        client = try scene.start(
          "backup-restore", point, "--no-define", "--target-pool", storage.directory)
      }
      // Now and then right after the command has said that it is done, else at any moment of it.
      var result: CommandResult?
      if round % 2 == 0 { result = try client.wait() } else { usleep(.random(in: 0..<3_000_000)) }
      try storage.cutPower()
      let ending = try result ?? client.wait()
      let when = "round \(round), \(operation) of \(point): \(ending)"

      try scene.domain.destroy()
      for name in try libvirt.domainNames() where name.hasPrefix("virsh-backup-") {
        _ = try? libvirt.virsh("destroy", name)
      }
      _ = try? libvirt.virsh("pool-destroy", scene.pool.name)
      try storage.restart()
      try libvirt.virsh("pool-start", scene.pool.name)
      try scene.domain.start(paused: true)

      var expected = listed
      if operation == .delete, ending.status == 0 { expected.removeAll { $0 == point } }
      if operation == .create, ending.status == 0 { expected.append(point) }
      for settled in [false, true] {
        if settled { try scene.run("backup-jobinfo").expectSuccess() }
        let now = try scene.points()
        // One that was not said to be done may be done or not.
        let missing = expected.filter { !now.contains($0) }
        #expect(missing == [] || operation == .delete && missing == [point], "\(when)")
        #expect(Set(now).subtracting(expected).isSubset(of: [point]), "\(when)")
        try expectWhole("\(when), settled: \(settled)")
      }
      let restored = scene.pool.path("vda.qcow2")
      if operation == .restore, ending.status == 0 {
        let difference = try references[point]?["vda"]?.difference(from: restored, format: .qcow2)
        #expect(difference == nil, "\(when)")
      }
      unlink(restored)
      let strays = try scene.strays().filter { $0 != "lost+found" }
      #expect(strays == [], "\(when)")
    }
  }
}
