// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain that is backed up and pruned every night, for as many nights as there are rounds.
struct NightsTests {
  /// Capacity of the disk in bytes, all of which the first backup holds.
  private static let size: UInt64 = 256 << 20

  /// One night: what was backed up, and what the prune then did.
  private struct Night {
    /// Bytes that the prune could free, as it says: those of the images that it merges, but for the
    /// largest of each run.
    var merged: UInt64
    /// Bytes that reached the file system meanwhile.
    var written: UInt64
    /// Bytes that the pool occupies after it.
    var occupied: UInt64
  }

  @Test(.enabled(if: Rounds.count(0) > 0 && MeasuredDirectory.isPossible))
  func `every point that is kept is what it was, and a prune costs what changed`() throws {
    let libvirt = try PrivateLibvirt.shared(.session)
    let domain = try TestDomain(libvirt, disks: [TestDisk("vda", size: Self.size)])
    defer { domain.remove() }
    let directory = try MeasuredDirectory(libvirt, size: 4 * Self.size)
    let pool = try Pool(libvirt, directory: directory.path)
    defer { pool.remove() }
    try domain.write("vda", "write -P 1 0 \(Self.size)")

    var references: [String: ReferenceImage] = [:]
    var nights: [Night] = []
    for number in 0..<Rounds.count(0) {
      if number > 0 { try change(domain, number) }
      let point = "n\(1000 + number)"
      try Program.run(
        libvirt,
        ["backup-create", domain.name, "--backupname", point, "--pool", pool.name]
      ).expectSuccess()
      references[point] = try domain.save()["vda"]
      try age(point, number, domain, pool)
      nights.append(try prune(domain, pool, directory))

      let kept = try Program.expectSuccess(
        libvirt, "backup-list", domain.name, "--name", "--pool", pool.name
      ).split(separator: "\n").map(String.init)
      #expect(kept.count <= 11 && kept.last == point, "night \(number): \(kept)")
      for (name, reference) in references where !kept.contains(name) {
        try FileManager.default.removeItem(atPath: reference.path)
        references[name] = nil
      }
      for (name, reference) in references {
        let image = pool.path("\(domain.name).\(name).vda.qcow2")
        #expect(
          try reference.difference(from: image, format: .qcow2) == nil, "night \(number), \(name)")
      }
    }
    check(nights)
  }

  /// Changes a hundredth of the disk, at places that differ from night to night.
  private func change(_ domain: TestDomain, _ number: Int) throws {
    let parts = Int(Self.size >> 17)
    for part in 0..<parts / 100 {
      let place = (number * 379 + part * 97) % parts
      try domain.write("vda", "write -P \(number % 250 + 2) \(place * 128)k 128k")
    }
  }

  /// Lets a point be of a night of its own, from January 1, 2026, on.
  private func age(_ point: String, _ number: Int, _ domain: TestDomain, _ pool: Pool) throws {
    let path = pool.path("\(domain.name).\(point).backup.xml")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let time = 1_767_232_800 + number * 86400
    try text.replacing(
      /<creationTime>\d+<\/creationTime>/, with: "<creationTime>\(time)</creationTime>"
    ).write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func prune(
    _ domain: TestDomain, _ pool: Pool, _ directory: MeasuredDirectory
  ) throws -> Night {
    let before = try directory.bytesWritten()
    let result = try Program.run(
      domain.libvirt,
      [
        "backup-prune", domain.name, "--keep-daily", "7", "--keep-weekly", "4", "--json", "--pool",
        pool.name,
      ], environment: ["TZ": "UTC"]
    ).expectSuccess()
    let written = try directory.bytesWritten() - before
    let document = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8))
    let domains = (document as? [String: Any])?["domains"] as? [[String: Any]]
    let frees = try #require((domains?.first?["frees"] as? NSNumber)?.uint64Value)
    return Night(merged: frees, written: written, occupied: try directory.bytesOccupied())
  }

  private func check(_ nights: [Night]) {
    // Documents, tables of images and what the file system writes of itself.
    let overhead: UInt64 = 2 << 20
    for (number, night) in nights.enumerated() {
      #expect(
        night.written <= night.merged * 3 / 2 + overhead,
        "night \(number): \(night.written) bytes written to merge \(night.merged)")
    }
    for (number, night) in nights.enumerated().dropFirst(36) {
      let first = nights[35].occupied
      #expect(
        night.occupied <= first + first / 10,
        "night \(number): \(night.occupied) bytes, \(first) in night 35")
    }
    let worst = nights.max { $0.written < $1.written }
    print(
      "\(nights.count) nights: at most \(worst?.written ?? 0) bytes written by a prune, which merged "
        + "\(worst?.merged ?? 0); the pool has \(nights.last?.occupied ?? 0) bytes")
  }
}
