// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain, the points made of it one after the other, and what its disks held at each.
final class Timeline {
  /// How one disk of a point came about, as `backup-info --json` says.
  struct Disk {
    /// `full` or `incremental`.
    var mode: String
    /// Name of the point it stands on.
    var parent: String?
    /// `reason_code`.
    var reasonCode: String?
    /// `reason`.
    var reason: String?
    /// Bytes the guest saw.
    var capacity: UInt64
    /// Name of the volume.
    var volume: String
  }

  private struct Saved {
    var name: String
    var pool: String
    var references: [String: ReferenceImage]
  }

  let libvirt: PrivateLibvirt
  let domain: TestDomain
  let pool: Pool
  private let restored: Pool
  private var saved: [Saved] = []

  /// Makes a paused domain, with a qcow2 and a raw disk unless told, and an empty pool.
  init(
    _ mode: LibvirtMode,
    disks: [TestDisk] = [TestDisk("vda", size: 8 << 20), TestDisk("vdb", .raw, size: 8 << 20)],
    name: String? = nil
  ) throws {
    libvirt = try PrivateLibvirt.shared(mode)
    domain = try TestDomain(libvirt, disks: disks, name: name)
    do {
      pool = try Pool(libvirt)
    } catch {
      domain.remove()
      throw error
    }
    do {
      restored = try Pool(libvirt, name: libvirt.uniqueName("restored"))
    } catch {
      domain.remove()
      pool.remove()
      throw error
    }
  }

  /// Removes everything.
  func remove() {
    domain.remove()
    pool.remove()
    restored.remove()
  }

  /// The domain under the name it has now.
  var domainName: String { renamed ?? domain.name }
  /// What the domain was renamed to.
  var renamed: String?

  /// Runs a command on the domain and the pool.
  @discardableResult
  func run(_ command: String, _ more: String...) throws -> CommandResult {
    try Program.run(libvirt, [command, domainName, "--pool", pool.name] + more)
  }

  /// Shuts the domain off cleanly, does something to its images, and starts it again.
  func restart(_ change: () throws -> Void = {}) throws {
    try domain.destroy()
    try change()
    try domain.start(paused: true)
  }

  // MARK: - Points

  /// Makes a point and keeps what the disks hold.
  ///
  /// That each full's reason is printed and recorded is checked here.
  ///
  /// - Parameters:
  ///   - name: The point's name.
  ///   - options: More options of `backup-create`.
  ///   - selector: What `--pool` says; the timeline's own pool when nil.
  ///   - references: What the disks hold, where the models do not say it.
  /// - Returns: For each disk `incremental`, or the code of the reason why it is full.
  /// - Throws: When the point cannot be made.
  @discardableResult
  func point(
    _ name: String, _ options: String..., pool selector: String? = nil,
    holds references: [String: ReferenceImage]? = nil
  ) throws -> [String: String] {
    let pool = selector ?? self.pool.name
    let references = try references ?? domain.save()
    let created = try Program.run(
      libvirt, ["backup-create", domainName, "--pool", pool, "--backupname", name] + options
    ).expectSuccess()
    #expect(created.stdout.contains("Domain backup \(name) created"))
    let disks = try self.disks(name, pool: pool)
    let manifest = try Program.expectSuccess(
      libvirt, "backup-info", domainName, name, "--pool", pool, "--xml")
    for (disk, made) in disks {
      guard made.mode == "full" else {
        #expect(made.reason == nil && made.reasonCode == nil && made.parent != nil)
        continue
      }
      let code = try #require(made.reasonCode), reason = try #require(made.reason)
      #expect(created.stdout.contains("disk '\(disk)': full (\(reason))\n"))
      #expect(manifest.contains(" reasonCode='\(code)' reason="))
    }
    saved.append(
      Saved(
        name: name, pool: pool, references: references.filter { disks.keys.contains($0.key) }))
    return disks.mapValues { $0.reasonCode ?? $0.mode }
  }

  /// The disks of a point.
  func disks(_ name: String, pool: String? = nil) throws -> [String: Disk] {
    let text = try Program.expectSuccess(
      libvirt, "backup-info", domainName, name, "--pool", pool ?? self.pool.name, "--json")
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let disks = try #require(object?["disks"] as? [[String: Any]])
    var result: [String: Disk] = [:]
    for disk in disks {
      result[try #require(disk["name"] as? String)] = Disk(
        mode: try #require(disk["mode"] as? String), parent: disk["parent"] as? String,
        reasonCode: disk["reason_code"] as? String, reason: disk["reason"] as? String,
        capacity: try #require(disk["capacity"] as? NSNumber).uint64Value,
        volume: try #require(disk["volume"] as? String))
    }
    return result
  }

  /// Deletes a point; it is no longer expected to be restored.
  func delete(_ name: String) throws {
    try run("backup-delete", name).expectSuccess()
    saved.removeAll { $0.name == name && $0.pool == pool.name }
  }

  /// Takes a point that lost its data out of what is expected to be restored.
  func giveUp(_ name: String) { saved.removeAll { $0.name == name && $0.pool == pool.name } }

  /// Restores every point and compares each disk, byte for byte and in its capacity.
  ///
  /// - Parameter name: The domain's name as the pool has it; its present name when nil.
  /// - Throws: When a point cannot be restored.
  func check(recordedAs name: String? = nil) throws {
    for point in saved {
      let result = try Program.run(
        libvirt,
        [
          "backup-restore", name ?? domainName, point.name, "--pool", point.pool, "--no-define",
          "--target-pool", restored.name, "--format", "raw",
        ]
      ).expectSuccess()
      var paths: [String: String] = [:]
      for line in result.stdout.split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        if words.count == 2 { paths[words[0]] = words[1] }
      }
      #expect(Set(paths.keys) == Set(point.references.keys), "\(result)")
      for (disk, reference) in point.references {
        let path = try #require(paths[disk])
        let difference = try reference.difference(from: path, format: .raw)
        #expect(difference == nil, "point \(point.name), disk \(disk)")
        try FileManager.default.removeItem(atPath: path)
      }
      try restored.refresh()
    }
  }

  // MARK: - What is left

  /// Runs a command that must be refused: it says why and leaves everything as it was.
  func expectRefusal(_ command: String, _ more: String..., because text: String) throws {
    let files = try pool.files()
    let bitmaps = try domain.ourBitmaps()
    let result = try Program.run(libvirt, [command, domainName, "--pool", pool.name] + more)
    #expect(result.status == 1)
    #expect(result.stderr.contains("error: "), "\(result)")
    #expect(result.stderr.contains(text), "\(result)")
    let remaining = (try pool.files(), try domain.ourBitmaps())
    #expect(remaining == (files, bitmaps))
    try expectNothingLeft()
  }

  /// Expects nothing of ours in QEMU but bitmaps.
  func expectNothingLeft() throws {
    let leftovers = try domain.leftovers()
    #expect(leftovers == [])
  }
}
