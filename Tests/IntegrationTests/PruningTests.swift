// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// Prunes of whole chains.
struct PruningTests {
  /// Ten points of as many days, the oldest 9 days before the newest, each on the one before.
  private func history(_ count: Int = 10) throws -> History {
    try History(
      PrivateLibvirt.shared(.session),
      disks: [TestDisk("vda", size: 2 << 20), TestDisk("vdb", .raw, size: 2 << 20)]
    ) { history in
      for number in 0..<count {
        let place = "\(number % 5 * 400)k"
        try history.domain.write("vda", "write -P \(number + 1) \(place) \(100 + number)k")
        try history.domain.write("vdb", "write -P \(number + 101) \(place) 64k")
        try history.backUp("p\(number)")
      }
      try age(history, count)
    }
  }

  /// Lets points be of days in the past: January 15, 2026, a Thursday, is the last.
  private func age(_ history: History, _ count: Int) throws {
    let newest = 1_768_442_400
    for number in 0..<count {
      let path = history.pool.path("\(history.domain.name).p\(number).backup.xml")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let time = newest - 86400 * (count - 1 - number)
      try text.replacing(
        /<creationTime>\d+<\/creationTime>/, with: "<creationTime>\(time)</creationTime>"
      ).write(toFile: path, atomically: false, encoding: .utf8)
    }
  }

  private func prune(
    _ history: History, _ more: [String] = [], environment: [String: String] = [:]
  ) throws -> CommandResult {
    try Program.run(
      history.libvirt, arguments(history, more),
      environment: environment.merging(["TZ": "UTC"]) { $1 })
  }

  /// Three days, and the two weeks before these: Tuesday to Thursday cover the week of the 12th.
  private func arguments(_ history: History, _ more: [String] = []) -> [String] {
    [
      "backup-prune", history.domain.name, "--pool", history.pool.name, "--keep-daily", "3",
      "--keep-weekly", "1",
    ] + more
  }

  /// The points that stay: the last three days, and the last of the week before.
  private let kept = ["p5", "p7", "p8", "p9"]
  private let gone = ["p0", "p1", "p2", "p3", "p4", "p6"]

  private func expectNoTraces(_ history: History, _ when: String = "") throws {
    #expect(try history.pool.files().filter { $0.contains("partial") } == [], "\(when)")
    #expect(try history.pool.files().count == 3 * history.points.count, "\(when)")
    #expect(try history.helpers() == [], "\(when)")
  }

  @Test func `what stays is what the table said, byte for byte`() throws {
    let history = try history()
    defer { history.remove() }
    let before = try history.pool.files()
    let shown = try prune(history, ["--dry-run"]).expectSuccess().stdout
    #expect(try history.pool.files() == before)
    let actions = shown.split(separator: "\n").map { $0.split(separator: " ") }
      .filter { $0.count > 8 && $0[0].hasPrefix("p") }
      .map { "\($0[0]) \($0[7] == "MiB" || $0[7] == "KiB" ? $0[8] : $0[7])" }
    #expect(
      actions == (0..<10).map { "p\($0) \(kept.contains("p\($0)") ? "keep" : "remove")" },
      "\(shown)")
    #expect(shown.contains("6 backups would be deleted, which frees"), "\(shown)")

    let done = try prune(history).expectSuccess().stdout
    #expect(done.contains("6 backups of domain '\(history.domain.name)' deleted, "), "\(done)")
    history.drop(gone)
    #expect(try history.listed() == kept)
    #expect(try history.storedDifferences() == [])
    #expect(try history.differences() == [])
    try expectNoTraces(history)

    let again = try prune(history).expectSuccess().stdout
    #expect(again.contains("Every backup is kept"), "\(again)")
    // The chain goes on.
    try history.domain.write("vda", "write -P 99 0 300k")
    #expect(try history.backUp("q").type != "full")
    #expect(try history.differences(of: ["q"]) == [])
  }

  @Test func `a domain that cannot be pruned does not keep the next from its turn`() throws {
    let history = try history(4)
    defer { history.remove() }
    let other = try TestDomain(
      history.libvirt, disks: [TestDisk("vda", size: 2 << 20)], start: .off)
    defer { other.remove() }
    let pool = ["--pool", history.pool.name]
    for name in ["a", "b", "c"] {
      try Program.run(
        history.libvirt, ["backup-create", other.name, "--backupname", name] + pool
      ).expectSuccess()
    }
    // Somebody's image stands on a point in the midst.
    let image = history.pool.path("\(history.domain.name).p1.vda.qcow2")
    try Command.run(
      "qemu-img",
      ["create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2", history.pool.path("mine.qcow2")]
    ).expectSuccess()
    defer { try? FileManager.default.removeItem(atPath: history.pool.path("mine.qcow2")) }
    let result = try Program.run(
      history.libvirt, ["backup-prune", "--all", "--keep-last", "1"] + pool)
    #expect(result.status == 1, "\(result)")
    #expect(
      result.stderr.contains("Failed to prune the backups of domain '\(history.domain.name)'"),
      "\(result)")
    #expect(result.stdout.contains("2 backups of domain '\(other.name)' deleted"), "\(result)")
    #expect(try history.listed() == history.points)
    #expect(try history.storedDifferences() == [])
    let left = try Program.expectSuccess(
      history.libvirt, "backup-list", other.name, "--name", "--pool", history.pool.name)
    #expect(left.contains("c\n") && !left.contains("a\n") && !left.contains("b\n"), "\(left)")
  }

  @Test func `who is interrupted keeps everything`() throws {
    let history = try history()
    defer { history.remove() }
    let client = try Program.startStopped(
      history.libvirt, arguments(history, ["--json"]), before: "query-jobs")
    defer { client.signal(SIGKILL) }
    client.signal(SIGINT)
    let result = try client.finish()
    #expect(result.status == 1, "\(result)")
    #expect(result.stderr.contains("interrupted"), "\(result)")
    #expect(result.stdout.contains("\"error\":\"Failed to prune"), "\(result)")
    #expect(try history.listed() == history.points)
    #expect(try history.storedDifferences() == [])
    try expectNoTraces(history)
  }

  @Test
  func `whatever call a client is killed at, what stays is whole, and the same command goes on`()
    throws
  {
    let history = try history()
    defer { history.remove() }
    let trace = "\(history.pool.directory).calls"
    let saved = "\(history.pool.directory).saved"
    defer {
      for path in [trace, saved] { try? FileManager.default.removeItem(atPath: path) }
    }
    /// Copies files as they are, with their owners.
    func copy(_ directory: String, to other: String) throws {
      try Command.run("cp", ["-aT", directory, other]).expectSuccess()
    }
    try copy(history.pool.directory, to: saved)
    /// Puts all points back as they were.
    func putBack() throws {
      for file in try history.pool.files() {
        try FileManager.default.removeItem(atPath: history.pool.path(file))
      }
      try copy(saved, to: history.pool.directory)
      try history.libvirt.virsh("pool-refresh", history.pool.name)
    }
    try prune(history, environment: ["VIRSH_BACKUP_TRACE_CALLS": trace]).expectSuccess()
    let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let first = try #require(calls.firstIndex { $0.contains(" write ") }) + 1
    history.drop(gone)
    let rounds = Rounds.count(6)
    for round in 0..<rounds {
      try putBack()
      let part = (Double(round) + Double.random(in: 0..<1)) / Double(rounds)
      let number = first + Int(part * Double(calls.count - first))
      let when = "killed at call \(number) of \(calls.count), \(calls[number - 1])"
      let killed = try prune(
        history,
        environment: [
          round % 2 == 0 ? "VIRSH_BACKUP_KILL_BEFORE" : "VIRSH_BACKUP_KILL_AT": "\(number)"
        ])
      // Calls that only read come in another order at times.
      guard killed.ending == .signalled(SIGKILL) || killed.status == 0 else {
        Issue.record("\(when): \(killed)")
        continue
      }
      #expect(try history.storedDifferences() == [], "\(when)")
      let next = try prune(history)
      #expect(next.status == 0, "\(when): \(next)")
      #expect(try history.listed() == kept, "\(when): \(next)")
      #expect(try history.storedDifferences() == [], "\(when)")
      try expectNoTraces(history, when)
    }
  }
}
