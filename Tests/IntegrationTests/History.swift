// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain, a pool, and for every point made what the disks held at that instant.
final class History {
  let libvirt: PrivateLibvirt
  let domain: TestDomain
  let pool: Pool
  /// What each point must hold, by its name and then by the disk's target.
  private(set) var references: [String: [String: ReferenceImage]] = [:]
  /// Names of the points, oldest first.
  private(set) var points: [String] = []

  /// Makes the domain and an empty pool.
  init(
    _ libvirt: PrivateLibvirt,
    disks: [TestDisk] = [TestDisk("vda", size: 16 << 20), TestDisk("vdb", .raw, size: 16 << 20)],
    start: TestDomain.Start = .paused
  ) throws {
    self.libvirt = libvirt
    domain = try TestDomain(libvirt, disks: disks, start: start)
    do {
      pool = try Pool(libvirt)
    } catch {
      domain.remove()
      throw error
    }
  }

  /// Makes the domain, the pool, and what a test wants in them; nothing is left where that fails.
  convenience init(
    _ libvirt: PrivateLibvirt,
    disks: [TestDisk] = [TestDisk("vda", size: 16 << 20), TestDisk("vdb", .raw, size: 16 << 20)],
    filledBy fill: (History) throws -> Void
  ) throws {
    try self.init(libvirt, disks: disks)
    do {
      try fill(self)
    } catch {
      remove()
      throw error
    }
  }

  /// Removes both.
  func remove() {
    domain.remove()
    pool.remove()
  }

  // MARK: - The program

  /// Runs a command on the domain and the pool.
  func run(_ command: String, _ more: String...) throws -> CommandResult {
    try Program.run(libvirt, [command, domain.name, "--pool", pool.name] + more)
  }

  /// Makes a point and remembers what it must hold.
  ///
  /// - Returns: What `backup-info` says of it.
  @discardableResult
  func backUp(_ point: String, _ more: String..., into pool: String? = nil) throws -> Info {
    let pool = pool ?? self.pool.name
    try Program.run(
      libvirt, ["backup-create", domain.name, "--pool", pool, "--backupname", point] + more
    ).expectSuccess()
    let info = try self.info(point, in: pool)
    let saved = try domain.save()
    references[point] = saved.filter { target, _ in info.disk(target) != nil }
    points.append(point)
    return info
  }

  /// No longer expects these points.
  func drop(_ names: [String]) { points.removeAll(where: names.contains) }

  /// No longer expects a disk in a point, nor the point where that was its last.
  func drop(_ disk: String, of point: String) {
    references[point]?[disk] = nil
    if references[point]?.isEmpty == true { drop([point]) }
  }

  /// Expects these points again.
  func restore(_ names: [String]) { points = names }

  /// What `backup-info` says of a point; of the newest for nil.
  func info(_ point: String?, in pool: String? = nil) throws -> Info {
    let arguments = ["backup-info", domain.name] + (point.map { [$0] } ?? [])
    let text = try Program.run(
      libvirt, arguments + ["--pool", pool ?? self.pool.name, "--json"]
    ).expectSuccess().stdout
    return try Info(text)
  }

  /// Names of the points that are listed, parents before children.
  func listed(in pool: String? = nil) throws -> [String] {
    try Program.expectSuccess(
      libvirt, "backup-list", "--domain", domain.name, "--pool", pool ?? self.pool.name, "--name",
      "--topological"
    ).split(separator: "\n").map(String.init)
  }

  /// The names of the helper domains that have volumes of the pool.
  func helpers() throws -> [String] { try libvirt.helpers(of: pool) }

  // MARK: - What must hold

  /// What differs between points, each restored into a new directory, and what they must hold.
  func differences(of names: [String]? = nil, in pool: String? = nil) throws -> [String] {
    var found: [String] = []
    for point in names ?? points {
      let directory = try libvirt.makeDirectory("restored")
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let result = try Program.run(
        libvirt,
        [
          "backup-restore", domain.name, point, "--pool", pool ?? self.pool.name, "--newname", "r",
          "--no-define", "--target-pool", directory,
        ])
      guard result.status == 0 else {
        found.append("\(point): \(result)")
        continue
      }
      let expected = references[point] ?? [:]
      let restored = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
      let names = expected.keys.sorted().map { "r-\($0)\(suffix(of: $0))" }
      if restored != names { found.append("\(point): restored \(restored), expected \(names)") }
      for (target, reference) in expected {
        let file = "\(directory)/r-\(target)\(suffix(of: target))"
        if let difference = try reference.difference(from: file, format: format(of: target)) {
          found.append("\(point), \(target): \(difference)")
        }
      }
    }
    return found
  }

  /// What differs between points, as the stock tools read them in the pool, and what they must
  /// hold.
  func storedDifferences() throws -> [String] {
    try points.flatMap { point in
      let info = try info(point)
      return try (references[point] ?? [:]).compactMap { target, reference in
        guard let path = info.disk(target)?.path else { return "\(point) lacks \(target)" }
        return try reference.difference(from: path, format: .qcow2)
      }
    }
  }

  /// The format of one of the domain's disks.
  func format(of target: String) -> TestDisk.Format {
    domain.allDisks.first { $0.target == target }?.format ?? .qcow2
  }

  private func suffix(of target: String) -> String {
    format(of: target) == .raw ? ".img" : ".qcow2"
  }
}

/// Expects a value that can fail to be found, and shows what it is instead.
func expect<Value: Equatable>(
  _ actual: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual == expected, sourceLocation: sourceLocation)
}

/// What `backup-info --json` says.
struct Info {
  /// What it says of a disk.
  struct Disk {
    var mode: String
    var parent: String?
    var reasonCode: String?
    var capacity: UInt64
    var size: UInt64
    var path: String
  }

  let name: String
  let uuid: String
  let type: String
  let parent: String?
  let children: [String]
  private let disks: [String: Disk]

  /// Reads the document.
  init(_ text: String) throws {
    guard
      let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
      let name = root["name"] as? String, let uuid = root["uuid"] as? String,
      let type = root["type"] as? String, let children = root["children"] as? [String],
      let list = root["disks"] as? [[String: Any]]
    else { throw CommandError("not what backup-info says: \(text)") }
    self.name = name
    self.uuid = uuid
    self.type = type
    self.children = children
    parent = root["parent"] as? String
    var disks: [String: Disk] = [:]
    for disk in list {
      guard let target = disk["name"] as? String, let mode = disk["mode"] as? String,
        let capacity = disk["capacity"] as? NSNumber, let size = disk["size"] as? NSNumber,
        let path = disk["path"] as? String
      else { throw CommandError("not what backup-info says of a disk: \(disk)") }
      disks[target] = Disk(
        mode: mode, parent: disk["parent"] as? String, reasonCode: disk["reason_code"] as? String,
        capacity: capacity.uint64Value, size: size.uint64Value, path: path)
    }
    self.disks = disks
  }

  /// What it says of one disk; nil when the point does not have it.
  func disk(_ target: String) -> Disk? { disks[target] }

  /// Targets of the disks, sorted.
  var targets: [String] { disks.keys.sorted() }

  /// Why each disk is full, `vda first`, sorted.
  var reasons: [String] {
    disks.compactMap { target, disk in disk.reasonCode.map { "\(target) \($0)" } }.sorted()
  }
}
