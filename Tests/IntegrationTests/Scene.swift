// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain and a pool for its backups, and what must hold of both.
struct Scene {
  let libvirt: PrivateLibvirt
  let domain: TestDomain
  let pool: Pool

  /// Makes a domain with a qcow2 and a raw disk, unless told, and an empty pool.
  init(
    _ libvirt: PrivateLibvirt,
    disks: [TestDisk] = [TestDisk("vda", size: 8 << 20), TestDisk("vdb", .raw, size: 8 << 20)],
    counting: Bool = false, isLinux: Bool = false, start: TestDomain.Start = .running,
    limit: UInt64? = nil, directory: String? = nil
  ) throws {
    self.libvirt = libvirt
    domain = try TestDomain(
      libvirt, disks: disks, counting: counting, isLinux: isLinux, start: start)
    do {
      pool = try Pool(libvirt, directory: directory, limit: limit)
    } catch {
      domain.remove()
      throw error
    }
  }

  /// Removes both.
  func remove() {
    domain.remove()
    pool.remove()
  }

  // MARK: - The program

  /// The arguments of a command on the domain and the pool.
  func arguments(_ command: String, _ more: [String]) -> [String] {
    [command, domain.name, "--pool", pool.name] + more
  }

  /// Runs a command on the domain and the pool.
  @discardableResult
  func run(
    _ command: String, _ more: String..., environment: [String: String] = [:],
    timeout: Duration = .seconds(120)
  ) throws -> CommandResult {
    try Program.run(
      libvirt, arguments(command, more), environment: environment, timeout: timeout)
  }

  /// Starts a command on the domain and the pool.
  func start(_ command: String, _ more: String...) throws -> RunningCommand {
    try Program.start(libvirt, arguments(command, more))
  }

  /// Names of the complete points, oldest first.
  func points() throws -> [String] {
    try Program.expectSuccess(
      libvirt, "backup-list", "--domain", domain.name, "--pool", pool.name, "--name",
      "--topological"
    ).split(separator: "\n").map(String.init)
  }

  // MARK: - What must hold

  /// The image of a disk in a point.
  func image(_ point: String, _ disk: String) -> String {
    pool.path("\(domain.name).\(point).\(disk).qcow2")
  }

  /// What differs between a point's images and the references.
  func differences(_ point: String, _ references: [String: ReferenceImage]) throws -> [String] {
    try references.sorted { $0.key < $1.key }.compactMap {
      try $1.difference(from: image(point, $0), format: .qcow2)
    }
  }

  /// Files in the pool that belong to no listed point, and whatever of ours the domain's QEMU has.
  func strays() throws -> [String] {
    let endings = ["backup.xml"] + domain.allDisks.map { "\($0.target).qcow2" }
    let owned = Set(
      try points().flatMap { point in endings.map { "\(domain.name).\(point).\($0)" } })
    return try pool.files().filter { !owned.contains($0) }
      + (domain.state() == "shut off" ? [] : domain.leftovers())
  }

  /// Expects that nothing of ours is left but complete points.
  func expectNoStrays(
    _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let strays = try strays()
    #expect(strays == [], "\(when)", sourceLocation: sourceLocation)
  }

  // MARK: - Slow copies

  /// Starts a create whose first copy is still running, at a crawl, when this returns.
  ///
  /// The first disk must hold enough data, so that its copy can be caught.
  func startSlowly(_ point: String, _ more: String...) throws -> RunningCommand {
    let client = try Program.start(libvirt, slowCreate(point, more))
    try awaitCopy(of: point)
    return client
  }

  /// The arguments of a create whose copies crawl.
  func slowCreate(_ point: String, _ more: [String] = []) -> [String] {
    arguments(
      "backup-create", ["--backupname", point, "--full", "--verbose", "--bandwidth", "2"] + more)
  }

  /// Waits until the first copy of a create runs.
  func awaitCopy(of point: String) throws {
    try awaitRunning(try firstJob(of: ".\(point).partial.xml"), in: domain.name)
  }

  /// Starts a restore whose first copy is still running, at a crawl, when this returns.
  ///
  /// - Returns: The client, and the name of its helper domain.
  func startRestoreSlowly(
    _ point: String, to directory: String, options: [String] = []
  ) throws -> (client: RunningCommand, helper: String) {
    let client = try Program.start(
      libvirt,
      arguments(
        "backup-restore",
        [point, "--no-define", "--target-pool", directory, "--bandwidth", "2"] + options))
    let job = try firstJob(of: ".partial.xml")
    let helper = "virsh-backup-\(job.split(separator: "-")[1])"
    try awaitRunning(job, in: helper)
    return (client, helper)
  }

  /// Waits until a job works.
  private func awaitRunning(_ job: String, in domain: String) throws {
    try eventually("\(job) runs", within: .seconds(90)) {
      guard let jobs = try? libvirt.monitor(domain, "query-jobs") as? [[String: Any]] else {
        return false
      }
      return jobs.contains { $0["id"] as? String == job && $0["status"] as? String == "running" }
    }
  }

  /// Bytes per second of each copy; 0 for as fast as can be.
  func setSpeed(_ speed: Int) throws {
    for job in try domain.jobs() {
      guard let id = job.split(separator: " ").first else { continue }
      // One that has copied all takes no speed any more.
      _ = try? libvirt.monitor(
        domain.name, "block-job-set-speed", "{\"device\": \"\(id)\", \"speed\": \(speed)}")
    }
  }

  /// The name an operation's first copy will have, from what its client wrote down before.
  private func firstJob(of partial: String) throws -> String {
    var uuid: Substring?
    try eventually("\(partial) is written", within: .seconds(90)) {
      guard let file = try pool.files().first(where: { $0.hasSuffix(partial) }) else {
        return false
      }
      let text = try? String(contentsOfFile: pool.path(file), encoding: .utf8)
      uuid = text?.firstMatch(of: /<uuid>([0-9a-f-]{36})<\/uuid>/)?.1
      return uuid != nil
    }
    return "vb-\((uuid ?? "").filter { $0 != "-" }.prefix(12))-0-job"
  }
}
