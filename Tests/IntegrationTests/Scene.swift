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
    counting: Bool = false, start: TestDomain.Start = .running, limit: UInt64? = nil
  ) throws {
    self.libvirt = libvirt
    domain = try TestDomain(libvirt, disks: disks, counting: counting, start: start)
    do {
      pool = try Pool(libvirt, limit: limit)
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
    let sets = try libvirt.monitor(domain.name, "query-fdsets")
    #expect(strays == [], "\(when) \(sets)", sourceLocation: sourceLocation)
  }

  // MARK: - Slow copies

  /// Starts a create whose first copy is still running, at a crawl, when this returns.
  ///
  /// The first disk must hold enough data, so that its copy can be caught.
  func startSlowly(_ point: String, _ more: String...) throws -> RunningCommand {
    for _ in 0..<5 {
      let client = try Program.start(
        libvirt, arguments("backup-create", ["--backupname", point, "--full", "--verbose"] + more))
      let job = try firstJob(of: point)
      try brake(job)
      if try domain.jobs().contains("\(job) running") { return client }
      // It was too fast for us.
      try client.wait().expectSuccess()
      try run("backup-delete", point).expectSuccess()
    }
    throw CommandError("the copy of \(point) was always over too soon")
  }

  /// Slows a job down a few milliseconds after it began: one virsh asks for it without pause.
  private func brake(_ job: String) throws {
    let command =
      "{\"execute\": \"block-job-set-speed\", "
      + "\"arguments\": {\"device\": \"\(job)\", \"speed\": \(1 << 20)}}"
    let line = "qemu-monitor-command \(domain.name) '\(command)'\n"
    let virsh = try Command.start(
      "virsh", ["-q", "-c", libvirt.uri], input: Array(String(repeating: line, count: 20000).utf8))
    defer {
      virsh.signal(9)
      _ = try? virsh.wait()
    }
    try eventually("\(job) is slow", every: .milliseconds(5)) {
      virsh.outputSoFar.contains("\"return\"")
    }
  }

  /// Bytes per second of the first disk's copy; 0 for as fast as can be.
  func setSpeed(_ speed: Int) throws {
    for job in try domain.jobs() {
      guard let id = job.split(separator: " ").first, id.contains("-0-") else { continue }
      try libvirt.monitor(
        domain.name, "block-job-set-speed", "{\"device\": \"\(id)\", \"speed\": \(speed)}")
    }
  }

  /// The name its first copy will have, from what the client wrote down before it began.
  private func firstJob(of point: String) throws -> String {
    var uuid: Substring?
    try eventually("\(point) is written down", every: .milliseconds(2)) {
      let text = try? String(
        contentsOfFile: pool.path("\(domain.name).\(point).partial.xml"), encoding: .utf8)
      uuid = text?.firstMatch(of: /<uuid>([0-9a-f-]{36})<\/uuid>/)?.1
      return uuid != nil
    }
    return "vb-\((uuid ?? "").filter { $0 != "-" }.prefix(12))-0-job"
  }
}
