// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import QMP
import TestSupport
import Testing

/// Several domains in one run, whatever becomes of each.
struct NightlyRunTests {
  /// A pool, and domains with policies.
  private final class Night {
    let libvirt: PrivateLibvirt
    let pool: Pool
    private(set) var domains: [TestDomain] = []
    private let locks: String

    init(_ mode: LibvirtMode) throws {
      libvirt = try PrivateLibvirt.shared(mode)
      pool = try Pool(libvirt)
      locks = try libvirt.makeDirectory("locks")
    }

    func remove() {
      for domain in domains { domain.remove() }
      pool.remove()
      try? FileManager.default.removeItem(atPath: locks)
    }

    /// Makes a domain with 2 MiB of data and a policy.
    @discardableResult
    func add(
      _ name: String, start: TestDomain.Start = .paused, size: UInt64 = 8 << 20, _ policy: String...
    ) throws -> TestDomain {
      let domain = try TestDomain(
        libvirt, disks: [TestDisk("vda", size: size)], name: libvirt.uniqueName(name), start: start)
      domains.append(domain)
      if start != .off { try domain.write("vda", "write -P 0x31 1M 2M") }
      try Program.run(
        libvirt, ["backup-policy", domain.name, "--pool", pool.name] + policy
      ).expectSuccess()
      return domain
    }

    private var environment: [String: String] { ["RUNTIME_DIRECTORY": locks] }

    /// The arguments of a run of all these domains and no other of the daemon.
    private func arguments(_ more: [String]) -> [String] {
      ["backup-run"] + more + domains.map(\.name)
    }

    func run(_ more: String...) throws -> CommandResult {
      try Program.run(libvirt, arguments(more), environment: environment)
    }

    func start(_ more: String..., environment: [String: String] = [:]) throws -> RunningCommand {
      try Program.start(
        libvirt, arguments(more), environment: self.environment.merging(environment) { $1 })
    }

    /// The results of a run by the names of its domains, from the document that it printed.
    func results(_ result: CommandResult) throws -> [String: JSONValue] {
      try results(JSONDecoder().decode(JSONValue.self, from: Data(result.output)))
    }

    /// The same of a document.
    func results(_ document: JSONValue) throws -> [String: JSONValue] {
      guard case .array(let domains)? = document["domains"] else {
        throw CommandError("no domains in \(document)")
      }
      return Dictionary(uniqueKeysWithValues: domains.map { ($0["domain"]?.string ?? "", $0) })
    }

    /// Names of a domain's points, the oldest first.
    func points(of domain: TestDomain) throws -> [String] {
      try Program.expectSuccess(
        libvirt, "backup-list", "--domain", domain.name, "--pool", pool.name, "--name",
        "--topological"
      ).split(separator: "\n").map(String.init)
    }

    /// The differences between a domain's newest point and the domain.
    func differences(of domain: TestDomain) throws -> [String] {
      guard let point = try points(of: domain).last else { return ["no point of \(domain.name)"] }
      let image = pool.path("\(domain.name).\(point).vda.qcow2")
      return [try domain.model("vda").difference(from: image, format: .qcow2)].compactMap(\.self)
    }
  }

  @Test(arguments: LibvirtMode.available)
  func `one hangs, one fails, one is busy, one is off, and the others have their points`(
    mode: LibvirtMode
  ) throws {
    let night = try Night(mode)
    defer { night.remove() }
    let busy = try night.add("busy", size: 256 << 20)
    try busy.write("vda", "write -P 0x11 8M 200M")
    let hanging = try night.add("hanging")
    let failing = try night.add("failing", "--exclude", "vda")
    let off = try night.add("off", "--off")
    let good = [
      try night.add("good"), try night.add("good", start: .off), try night.add("good"),
    ]
    let other = try Program.start(
      night.libvirt,
      [
        "backup-create", busy.name, "--pool", night.pool.name, "--backupname", "other", "--full",
        "--bandwidth", "2",
      ])
    defer {
      other.signal(SIGINT)
      _ = try? other.wait()
    }
    try eventually("the other backup copies", within: .seconds(60)) {
      try busy.jobs().contains { $0.contains("running") }
    }
    let process = try #require(night.libvirt.qemuPID(domain: hanging.name))
    kill(process, SIGSTOP)
    defer { kill(process, SIGCONT) }

    let run = try night.start("--jobs", "4", "--json", "--timeout", "30", "--verbose")
    // All that can be done is done while the one still hangs.
    try eventually("the others have their points", within: .seconds(60)) {
      try good.allSatisfy { try night.points(of: $0).count == 1 }
    }
    #expect(!run.hasEnded)
    let second = try night.run()
    #expect(second.status == 1, "\(second)")
    #expect(
      second.stderr.contains("error: another backup-run is at work on") && second.stdout == "\n",
      "\(second)")
    let result = try run.wait()
    #expect(result.status == 1, "\(result)")
    let results = try night.results(result)
    #expect(results[busy.name]?["result"] == "failed", "\(result)")
    #expect(results[hanging.name]?["result"] == "timed_out", "\(result)")
    #expect(results[failing.name]?["result"] == "failed", "\(result)")
    #expect(results[off.name]?["result"] == "off", "\(result)")
    for domain in good {
      #expect(results[domain.name]?["result"] == "created", "\(result)")
      #expect(results[domain.name]?["points"] == 1, "\(result)")
      #expect(try night.differences(of: domain) == [])
    }
    #expect(result.stderr.contains("error: \(failing.name): backup: "), "\(result)")

    // The QEMU that hung goes on, and the next run settles its backup.
    kill(process, SIGCONT)
    other.signal(SIGINT)
    try other.wait()
    let next = try night.run()
    #expect(next.status == 1, "\(next)")
    #expect(next.stdout.contains("7 domains: 5 backed up, 1 failed, 1 off;"), "\(next)")
    for domain in [busy, hanging] + good { #expect(try night.differences(of: domain) == []) }
    #expect(try !night.pool.files().contains { $0.contains("partial") })
  }

  @Test func `of a run that is killed nothing goes on, and the next is right`() throws {
    let night = try Night(.session)
    defer { night.remove() }
    let domain = try night.add("web")
    let run = try night.start(environment: ["VIRSH_BACKUP_STOP_AT": "transaction"])
    var worker: pid_t?
    try eventually("its command stands still", within: .seconds(60)) {
      worker = Self.children(of: run.pid).first { Self.state(of: $0) == "T" }
      return worker != nil
    }
    run.signal(SIGKILL)
    try run.wait()
    kill(try #require(worker), SIGCONT)
    try eventually("its command has ended") { Self.state(of: worker ?? 0) == nil }
    #expect(try night.points(of: domain) == [])
    #expect(try night.pool.files() == [])
    try domain.write("vda", "write -P 0x32 3M 1M")
    let next = try night.run()
    #expect(next.status == 0 && next.stdout.contains("1 backed up"), "\(next)")
    #expect(try night.differences(of: domain) == [])
    #expect(try domain.leftovers().filter { !$0.contains("bitmap") } == [])
  }

  @Test func `a run that is told to stop undoes what was begun and says so`() throws {
    let night = try Night(.session)
    defer { night.remove() }
    let first = try night.add("web"), second = try night.add("web")
    let run = try night.start(
      "--jobs", "1", "--json", environment: ["VIRSH_BACKUP_STOP_AT": "transaction"])
    var worker: pid_t?
    try eventually("its command stands still", within: .seconds(60)) {
      worker = Self.children(of: run.pid).first { Self.state(of: $0) == "T" }
      return worker != nil
    }
    run.signal(SIGTERM)
    // Else it may have copied all before it hears of that.
    try eventually("its command is told") { Self.hasSignals(worker ?? 0) }
    kill(try #require(worker), SIGCONT)
    let result = try run.wait()
    #expect(result.status == 1, "\(result)")
    let results = try night.results(result)
    #expect(results[first.name]?["result"] == "cancelled", "\(result)")
    #expect(results[second.name]?["result"] == "cancelled", "\(result)")
    #expect(try night.pool.files() == [])
  }

  @Test func `the hook and the metrics are told`() throws {
    let night = try Night(.session)
    defer { night.remove() }
    let domain = try night.add("web")
    let directory = try night.libvirt.makeDirectory("told")
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let metrics = "\(directory)/backup.prom"
    let result = try night.run(
      "--hook", "cat >'\(directory)/hook.json'; echo hooked", "--metrics", metrics)
    #expect(result.status == 0 && result.stdout.hasSuffix("\nhooked\n\n"), "\(result)")
    let document = try JSONDecoder().decode(
      JSONValue.self, from: try Data(contentsOf: URL(filePath: "\(directory)/hook.json")))
    #expect(document["success"] == true)
    // The document has what `backup-create` printed.
    let told = try night.results(document)[domain.name]
    guard case .object(let backup)? = told?["backup"], case .array(let disks)? = backup["disks"],
      case .object(let disk)? = disks.first
    else { throw CommandError("no backup in \(document)") }
    #expect(
      backup.keys.sorted() == [
        "consistency", "created", "description", "disks", "domain", "domain_uuid", "host", "name",
        "parent", "pool", "protected", "running", "size", "state", "type", "uuid",
      ])
    #expect(backup["running"] == true && backup["state"] == "complete")
    #expect(
      disk.keys.sorted() == [
        "capacity", "mode", "name", "parent", "reason", "reason_code", "size", "volume",
      ])
    #expect(disk["mode"] == "full" && disk["reason_code"] == "first")
    let text = try String(contentsOfFile: metrics, encoding: .utf8)
    #expect(text.contains("\nvirsh_backup_points{domain=\"\(domain.name)\"} 1\n"), "\(text)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
    let failing = try night.run("--hook", "cat; exit 7", "--json")
    #expect(failing.status == 1, "\(failing)")
    #expect(failing.stderr.contains("error: the hook ended with exit status 7"), "\(failing)")
    #expect(try night.results(failing)[domain.name]?["points"] == 2)
    let empty = try night.run("--hook", "")
    #expect(empty.status == 1 && empty.stderr.contains("'hook'"), "\(empty)")
    let nowhere = try night.run("--metrics", "/nowhere/at/all.prom")
    #expect(nowhere.status == 1 && nowhere.stdout == "\n", "\(nowhere)")
    #expect(try night.points(of: domain).count == 2)
  }

  @Test func `a night prunes by the policy, and verifies what is due`() throws {
    let night = try Night(.session)
    defer { night.remove() }
    let domain = try night.add("web", "--keep-last", "2", "--verify", "1d")
    var told: [JSONValue?] = []
    for _ in 1...3 {
      try domain.write("vda", "write -P 0x33 2M 1M")
      let result = try night.run("--json", "--strict")
      #expect(result.status == 0, "\(result)")
      told.append(try night.results(result)[domain.name])
    }
    #expect(told.map { $0?["points"] } == [1, 2, 2])
    #expect(told.map { $0?["removed"] } == [0, 0, 1])
    // The only record went with the point that the prune merged, so that a check is due again.
    #expect(told.map { $0?["verified"] } == ["passed", "not_due", "passed"])
    #expect(try night.differences(of: domain) == [])

    // The rules are for who prunes by hand, too.
    let shown = try Program.run(
      night.libvirt, ["backup-prune", domain.name, "--pool", night.pool.name, "--dry-run"])
    #expect(shown.status == 0 && shown.stdout.contains("Every backup is kept"), "\(shown)")
    try Program.expectSuccess(night.libvirt, "backup-policy", domain.name, "--keep-last", "1")
    try Program.expectSuccess(
      night.libvirt, "backup-prune", domain.name, "--pool", night.pool.name)
    #expect(try night.points(of: domain).count == 1)
    try Program.expectSuccess(night.libvirt, "backup-policy", domain.name, "--remove")
    let without = try Program.run(
      night.libvirt, ["backup-prune", domain.name, "--pool", night.pool.name])
    #expect(
      without.status == 1
        && without.stderr.contains("the policy of domain '\(domain.name)' has none"), "\(without)")
    #expect(try night.differences(of: domain) == [])
  }

  // MARK: - Processes

  private static func children(of parent: pid_t) -> [pid_t] {
    // `setpriv` runs the program as another user by becoming it, so the process stays the same.
    let text = try? String(
      contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
    return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
  }

  /// The letter of a process's state; nil where it is gone.
  private static func state(of pid: pid_t) -> String? {
    let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    let state = text?.split(separator: ")").last?.split(separator: " ").first.map(String.init)
    return state == "Z" ? nil : state
  }

  /// Tells that a process was sent signals that it has not taken yet, as one that stands still cannot.
  private static func hasSignals(_ pid: pid_t) -> Bool {
    let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("ShdPnd:") }
    return line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0 != 0
  }
}
