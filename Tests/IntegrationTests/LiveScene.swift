// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// A scene whose domain is restored while it runs.
struct LiveScene {
  /// A file of the pool: when it was written last and whose it is.
  struct PoolFile: Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int
    let owner: uid_t
    let group: gid_t
    let mode: mode_t
  }

  private let scene: Scene
  var libvirt: PrivateLibvirt { scene.libvirt }
  var domain: TestDomain { scene.domain }
  var pool: Pool { scene.pool }

  /// Makes a domain and an empty pool.
  init(_ libvirt: PrivateLibvirt, disks: [TestDisk], counting: Bool = false) throws {
    scene = try Scene(
      libvirt, disks: disks, counting: counting, start: counting ? .running : .paused)
  }

  /// Removes both.
  func remove() { scene.remove() }

  /// The arguments of a command on the domain and the pool.
  func arguments(_ command: String, _ more: [String]) -> [String] {
    scene.arguments(command, more)
  }

  /// Runs a command on the domain and the pool.
  @discardableResult
  func run(_ command: String, _ more: String...) throws -> CommandResult {
    try Program.run(libvirt, arguments(command, more))
  }

  /// Starts a command on the domain and the pool.
  func start(_ command: String, _ more: String...) throws -> RunningCommand {
    try Program.start(libvirt, arguments(command, more))
  }

  /// Every file of the pool.
  func poolState() throws -> [String: PoolFile] {
    try pool.files().reduce(into: [:]) { files, file in
      var status = stat()
      #expect(lstat(pool.path(file), &status) == 0)
      files[file] = PoolFile(
        size: status.st_size, seconds: status.st_mtim.tv_sec,
        nanoseconds: status.st_mtim.tv_nsec, owner: status.st_uid, group: status.st_gid,
        mode: status.st_mode)
    }
  }

  /// What `backup-jobinfo` tells.
  func jobs() throws -> [[String: Any]] {
    let text = try run("backup-jobinfo", "--json").expectSuccess().stdout
    let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return document?["jobs"] as? [[String: Any]] ?? []
  }

  /// The state of the one operation there is.
  func state() throws -> String {
    let jobs = try jobs()
    #expect(jobs.count == 1)
    return jobs.first?["state"] as? String ?? "none"
  }

  /// Waits until the data of a domain moves.
  func awaitPull(in name: String? = nil) throws {
    let name = name ?? domain.name
    try eventually("a pull runs", within: .seconds(60)) {
      let jobs = try? libvirt.monitor(name, "query-jobs") as? [[String: Any]]
      return jobs?.map { $0["status"] as? String } == ["running"]
    }
  }

  /// Makes what was written to a disk last longer than its QEMU.
  func flush(_ disk: String) throws {
    let index = domain.allDisks.firstIndex { $0.target == disk } ?? 0
    try libvirt.virsh(
      "qemu-monitor-command", domain.name, "--hmp",
      "qemu-io -d /machine/peripheral/virtio-disk\(index)/virtio-backend flush")
  }

  /// Expects that a command was refused, and why.
  func expectRefusal(
    _ result: CommandResult, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == 1, sourceLocation: sourceLocation)
    #expect(result.stderr.contains(text), "\(result)", sourceLocation: sourceLocation)
  }

  /// Expects that a running domain has nothing of the pool, and that the pool is as it was.
  func expectFree(
    _ before: [String: PoolFile], _ name: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let name = name ?? domain.name
    let inactive = try libvirt.inactiveDefinition(of: name)
    #expect(!inactive.contains("<backingStore"), sourceLocation: sourceLocation)
    #expect(!inactive.contains(pool.directory), sourceLocation: sourceLocation)
    #expect(
      try !libvirt.virsh("dumpxml", name).contains(pool.directory), sourceLocation: sourceLocation)
    let nodes = try libvirt.virsh(
      "qemu-monitor-command", name, "{\"execute\": \"query-named-block-nodes\"}")
    #expect(!nodes.contains(pool.directory), sourceLocation: sourceLocation)
    let after = try poolState()
    #expect(after.keys.sorted() == before.keys.sorted(), sourceLocation: sourceLocation)
    for (file, state) in before {
      #expect(after[file] == state, "\(file)", sourceLocation: sourceLocation)
    }
  }
}
