// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import QMP
import TestSupport
import Testing
import Vsh

@testable import BackupCommands

/// Tests the report of a run, and the files that a run writes and locks.
struct RunReportTests {
  private func domain(
    _ name: String, _ result: DomainReport.Result, seconds: Double = 12.3456,
    change: (inout DomainReport) -> Void = { _ in }
  ) -> DomainReport {
    var report = DomainReport(
      RunTask(name: name, uuid: "76f07e4e-37c2-4df2-9203-c524a26a012d", policy: Policy()))
    report.result = result
    if result != .off {
      report.seconds = seconds
      report.ended = 1_795_391_500
    }
    if result == .created {
      report.backup = .object(["size": 1_048_576, "type": "incremental"])
      report.created = 1_795_391_480
      report.points = 8
      report.removed = 1
    }
    change(&report)
    return report
  }

  private func run(_ domains: DomainReport..., wasStopped: Bool = false) -> RunReport {
    RunReport(
      uri: "test:///x", began: 1_795_391_461, ended: 1_795_391_523, wasStopped: wasStopped,
      domains: domains)
  }

  private var everything: RunReport {
    run(
      domain("db1", .created) {
        $0.fulls = [.init(disk: "vdb", code: "bitmap_lost", reason: "domain restarted")]
      },
      domain("old", .off),
      domain("web1", .failed, seconds: 1) {
        $0.problems = [.init(step: .create, lines: ["no space", "none at all"])]
      },
      domain("web2", .timedOut), domain("web3", .created))
  }

  private func shown(_ report: RunReport) -> String {
    var text = ""
    let shell = Shell(
      programName: "virsh-backup", table: Program.table,
      context: Client(uri: nil, isReadOnly: true, keepalive: (nil, nil), defaultPool: nil),
      output: Output(write: { text += $0 }, writeError: { _ in }))
    report.show(on: shell)
    return text
  }

  @Test func `one table, and a line that sums it up`() {
    #expect(
      shown(everything) == """
         Domain   Result      Mode                                      Size       Time   Kept   Removed
        --------------------------------------------------------------------------------------------------
         db1      created     incremental, vdb full: domain restarted   1.00 MiB   0:13   8      1
         old      off         -                                         -          -      -      -
         web1     failed      -                                         -          0:01   -      -
         web2     timed out   -                                         -          0:13   -      -
         web3     created     incremental                               1.00 MiB   0:13   8      1
        5 domains: 2 backed up, 1 failed, 1 timed out, 1 off; 2.00 MiB in 1:02

        """)
    #expect(
      everything.messages == ["web1: backup: no space", "web1: backup: none at all"])
  }

  @Test func `success is a new backup for each, and strictly that nothing was lost`() {
    #expect(!everything.isGood(strictly: false))
    let lost = run(everything.domains[0], everything.domains[1])
    #expect(lost.isGood(strictly: false) && !lost.isGood(strictly: true))
    let whole = run(everything.domains[4], everything.domains[1])
    #expect(whole.isGood(strictly: true))
    #expect(!run(everything.domains[4], wasStopped: true).isGood(strictly: false))
  }

  @Test func `the members of the document`() {
    let document = everything.json
    guard case .object(let members) = document else { return #expect(Bool(false)) }
    #expect(
      members.keys.sorted() == [
        "began", "cancelled", "domains", "ended", "faultless", "seconds", "success", "summary",
        "uri",
      ])
    #expect(document["began"] == "2026-11-22T23:51:01Z" && document["seconds"] == 62)
    #expect(document["success"] == false)
    let domains = document["domains"]?.elements ?? []
    for domain in domains {
      guard case .object(let members) = domain else { return #expect(Bool(false)) }
      #expect(
        members.keys.sorted() == [
          "backup", "booted", "domain", "domain_uuid", "frozen", "full", "mode", "points",
          "problems", "removed", "result", "seconds", "verified",
        ])
    }
    #expect(
      domains.map { $0["result"]?.string } == ["created", "off", "failed", "timed_out", "created"])
    #expect(domains[0]["full"]?.elements.first?["unexpected"] == true)
    #expect(domains[2]["problems"]?.elements.first?["messages"]?.elements.count == 2)
  }

  // MARK: - Metrics

  private func values(_ text: String) -> [String: String] {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard let space = line.lastIndex(of: " ") else { continue }
      values[String(line[..<space])] = String(line[line.index(after: space)...])
    }
    return values
  }

  @Test func `metrics of a first run`() {
    let text = RunMetrics(everything, before: "", domains: []).text
    let values = values(text)
    func value(_ metric: String, _ domain: String, _ more: String = "") -> String? {
      values["virsh_backup_\(metric){domain=\"\(domain)\"\(more)}"]
    }
    #expect(value("last_success_timestamp_seconds", "db1") == "1795391480")
    #expect(value("last_success_timestamp_seconds", "web1") == nil)
    #expect(value("last_run_timestamp_seconds", "web1") == "1795391500")
    #expect(value("last_run_success", "db1") == "1" && value("last_run_success", "web1") == "0")
    #expect(value("last_size_bytes", "web3") == "1048576")
    #expect(value("last_duration_seconds", "db1") == "12.346")
    #expect(value("points", "db1") == "8")
    #expect(value("last_full_disks", "db1", ",reason=\"bitmap_lost\"") == "1")
    #expect(value("last_run_success", "old") == nil)
    #expect(values["virsh_backup_run_duration_seconds"] == "62")
    // Each metric has its help and its type, once, before its values.
    let names = text.matches(of: #/(?m)^# HELP (\w+) /#).map { String($0.1) }
    #expect(Set(names).count == names.count)
    #expect(text.matches(of: #/(?m)^# TYPE (\w+) gauge$/#).map { String($0.1) } == names)
    #expect(Set(values.keys.map { String($0.prefix { $0 != "{" }) }) == Set(names))
  }

  @Test func `what an earlier run said stays where this one has nothing to say`() {
    let strange = "a\"b\\c\nd{domain=\"web3\"}"
    let before = RunMetrics(
      run(
        everything.domains[0], domain("web1", .created), domain(strange, .created),
        domain("gone", .created)), before: "", domains: []
    ).text
    let after = values(
      RunMetrics(
        run(domain("db1", .created, seconds: 2), domain("web1", .failed)),
        before: before + "node_other{domain=\"web1\"} 7\nvirsh_backup_points{\n",
        domains: ["db1", "web1", strange]
      ).text)
    func value(_ metric: String, _ domain: String, _ more: String = "") -> String? {
      after["virsh_backup_\(metric){domain=\"\(domain)\"\(more)}"]
    }
    let old = values(before)
    #expect(value("last_success_timestamp_seconds", "web1") == "1795391480")
    #expect(value("last_run_success", "web1") == "0")
    #expect(value("last_duration_seconds", "db1") == "2.0")
    // The full of the run before is over.
    #expect(value("last_full_disks", "db1", ",reason=\"bitmap_lost\"") == nil)
    for (key, text) in old where key.contains("a\\\"b\\\\c\\nd") { #expect(after[key] == text) }
    #expect(old.keys.contains { $0.contains("gone") })
    #expect(!after.keys.contains { $0.contains("gone") || $0.hasPrefix("node") })
  }

  // MARK: - Files

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let path = "\(FileManager.default.temporaryDirectory.path)/virsh-backup-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func `a file is replaced whole or not at all`() throws {
    try withDirectory { directory in
      let file = ReplacedFile(path: "\(directory)/metrics.prom")
      try file.check()
      #expect(file.content == "")
      try file.write("one\n")
      let first = try FileManager.default.attributesOfItem(atPath: file.path)
      try file.write("two\n")
      #expect(file.content == "two\n")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["metrics.prom"])
      let second = try FileManager.default.attributesOfItem(atPath: file.path)
      // A reader that has the file open reads on in the old one.
      #expect(first[.systemFileNumber] as? Int != second[.systemFileNumber] as? Int)
      #expect(second[.posixPermissions] as? Int == 0o644)
    }
  }

  @Test func `what cannot be written is refused before, and leaves nothing`() throws {
    try withDirectory { directory in
      for path in ["\(directory)/none/m.prom", directory, "\(directory)/"] {
        #expect(throws: ShellError.self, "\(path)") { try ReplacedFile(path: path).check() }
      }
      try FileManager.default.createDirectory(
        atPath: "\(directory)/d.prom/x", withIntermediateDirectories: true)
      #expect(throws: ShellError.self) { try ReplacedFile(path: "\(directory)/d.prom").write("x") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["d.prom"])
    }
  }

  @Test func `a lock is one run's, and free when that ends`() throws {
    try withDirectory { directory in
      var lock: RunLock? = try RunLock(uri: "test:///x", in: "\(directory)/locks")
      let path = try #require(lock?.path)
      do {
        _ = try RunLock(uri: "test:///x", in: "\(directory)/locks")
        Issue.record("two have it")
      } catch let error as ShellError {
        #expect(
          error.lines == [
            "another backup-run is at work on 'test:///x' (process \(getpid())); its lock is '\(path)'"
          ])
      }
      // On another hypervisor there may be another.
      _ = try RunLock(uri: "test:///y", in: "\(directory)/locks")
      lock = nil
      _ = try RunLock(uri: "test:///x", in: "\(directory)/locks")
      #expect(throws: ShellError.self) { try RunLock(uri: "x", in: "\(directory)/a/b") }
    }
  }
}
