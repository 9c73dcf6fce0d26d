// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Testing

@testable import BackupCommands

/// The steps of the work on a domain, and what is made of what they say.
struct DomainRunTests {
  private let now: Int64 = 1_795_391_461

  private func run(_ policy: Policy) -> DomainRun {
    let task = RunTask(
      name: "web1", uuid: "76f07e4e-37c2-4df2-9203-c524a26a012d", policy: policy)
    return DomainRun(
      task, RunProgram(path: "/bin/false", options: ["-c", "test:///x"], limit: nil) { now },
      note: { _ in })
  }

  private func outcome(
    _ output: String = "", errors: String = "", status: Int32 = 0, isLate: Bool = false,
    isCancelled: Bool = false
  ) -> Crew.Outcome {
    Crew.Outcome(
      ending: .exited(status), output: output, errors: errors, isLate: isLate,
      isCancelled: isCancelled)
  }

  private func backup(_ disks: String, type: String = "incremental", more: String = "") -> String {
    """
    {"name":"n","type":"\(type)","size":4096,"disks":[\(disks)]\(more)}
    """
  }

  private let incremental = #"{"name":"vda","mode":"incremental","reason_code":null}"#

  private func command(_ step: Crew.Step?) -> String {
    // The first two words, `-c` and the URI, are the connection.
    step?.child.arguments.dropFirst(2).joined(separator: " ") ?? "-"
  }

  private let domain = "--domain=76f07e4e-37c2-4df2-9203-c524a26a012d"

  @Test func `without rules and checks there are a backup and a look`() {
    let run = run(Policy())
    #expect(run.next(after: nil)?.child.arguments.prefix(2) == ["-c", "test:///x"])
    #expect(
      command(run.next(after: outcome(backup(incremental))))
        == "backup-list \(domain) --json --topological")
    #expect(run.next(after: outcome(#"{"backups":[{},{},{}]}"#)) == nil)
    #expect(run.report.result == .created && run.report.isFaultless)
    #expect(run.report.points == 3 && run.report.size == 4096)
    #expect(run.report.created == now && run.report.mode == "incremental")
  }

  @Test func `every setting of the policy reaches the command that it is for`() {
    let run = run(
      Policy(
        pool: "--pool", kept: [.daily: 7, .last: 2], keptWithin: 60, isQuiesced: true,
        compression: "zstd", scratchPool: "fast", excludedDisks: ["vdb", "vdc"], verifyInterval: 60,
        bootInterval: 60))
    #expect(
      command(run.next(after: nil))
        == "backup-create \(domain) --json --verbose --pool=--pool --quiesce --compress=zstd "
        + "--fleecing=fast --diskspec=vdb,backup=no --diskspec=vdc,backup=no")
    #expect(
      command(run.next(after: outcome(backup(incremental))))
        == "backup-prune --json --verbose --pool=--pool --keep-within=1m --keep-last=2 "
        + "--keep-daily=7 \(domain)")
    #expect(
      command(run.next(after: outcome(#"{"domains":[{"deleted":["a","b"]}]}"#)))
        == "backup-list \(domain) --json --topological --pool=--pool")
    #expect(run.report.removed == 2)
    #expect(
      command(run.next(after: outcome(#"{"backups":[]}"#)))
        == "backup-verify \(domain) --update --json --verbose --pool=--pool")
    #expect(
      command(run.next(after: outcome()))
        == "backup-verify \(domain) --boot --json --verbose --pool=--pool --backupname=n")
    #expect(run.next(after: outcome()) == nil)
    #expect(run.report.verified == .passed && run.report.booted == .passed)
    #expect(run.report.isFaultless)
  }

  @Test func `a backup is due that was there for the interval and not compared in it`() {
    func isDue(_ made: String, _ checked: String?, _ madeNow: String? = nil) -> Bool {
      let run = run(Policy(verifyInterval: 3600))
      _ = run.next(after: nil)
      _ = run.next(after: outcome(backup(incremental)))
      let record =
        checked.map { #"{"checksums":{"time":"\#($0)"},"boot":{"time":"2026-11-22T23:59:59Z"}}"# }
        ?? "null"
      let more = madeNow.map { #",{"created":"\#($0)","verified":null}"# } ?? ""
      let points = #"{"backups":[{"created":"\#(made)","verified":\#(record)}\#(more)]}"#
      return run.next(after: outcome(points)) != nil
    }
    // The clock shows 23:51:01, and half an hour of the interval of an hour may be missing.
    #expect(isDue("2026-01-01T00:00:00Z", "2026-11-22T23:21:01Z"))
    #expect(!isDue("2026-01-01T00:00:00Z", "2026-11-22T23:21:02Z"))
    #expect(!isDue("2026-01-01T00:00:00Z", "2026-11-22T23:51:00Z", "2026-11-22T23:50:00Z"))
    #expect(isDue("2026-01-01T00:00:00Z", "2026-11-22T23:51:00Z", "2026-11-22T23:20:00Z"))
    #expect(isDue("2026-11-22T23:51:00Z", nil))
  }

  @Test func `a domain without a new backup is left alone`() {
    let run = run(Policy(kept: [.last: 1], verifyInterval: 1))
    _ = run.next(after: nil)
    let errors = "Backup: [  3 %]\rBackup: [  7 %]\nerror: no space\nnote\nerror: really none\n"
    #expect(run.next(after: outcome(errors: errors, status: 1)) == nil)
    #expect(run.report.result == .failed && !run.report.isGood)
    #expect(run.report.problems.map(\.lines) == [["no space", "really none"]])
    #expect(run.report.mode == "-" && run.report.size == nil && run.report.created == nil)
  }

  @Test func `what takes too long or is cancelled is not followed by anything`() {
    let late = run(Policy(isQuiesced: true))
    _ = late.next(after: nil)
    #expect(late.next(after: outcome(errors: "error: a\n", status: 1, isLate: true)) == nil)
    #expect(late.report.result == .timedOut)
    #expect(
      late.report.problems.map(\.lines) == [["it took longer than --timeout allows", "a"]])
    let cancelled = run(Policy(isQuiesced: true))
    _ = cancelled.next(after: nil)
    #expect(cancelled.next(after: outcome(status: 1, isCancelled: true)) == nil)
    #expect(cancelled.report.result == .cancelled)
    // A backup that was made stays made when a later step takes too long.
    let pruning = run(Policy(kept: [.last: 1], verifyInterval: 1))
    _ = pruning.next(after: nil)
    _ = pruning.next(after: outcome(backup(incremental)))
    #expect(pruning.next(after: outcome(status: 1, isLate: true)) == nil)
    #expect(pruning.report.result == .created && pruning.report.isGood)
    #expect(!pruning.report.isFaultless && pruning.report.resultText == "created, not pruned")
  }

  @Test func `where freezing fails the backup is made without, which is told`() {
    let run = run(Policy(isQuiesced: true))
    #expect(command(run.next(after: nil)).contains("--quiesce"))
    let again = run.next(after: outcome(errors: "error: no agent\n", status: 1))
    #expect(command(again) == "backup-create \(domain) --json --verbose")
    _ = run.next(after: outcome(backup(incremental, more: #","running":true"#)))
    #expect(run.report.result == .created && run.report.isGood && !run.report.isFaultless)
    #expect(run.report.resultText == "created, not frozen")
    #expect(run.report.problems.map(\.lines) == [["no agent"]])
    #expect(run.report.problems.map(\.step.title) == ["freeze"])
  }

  @Test func `what is shut off needs no freezing, and what fails in any case is told once`() {
    let off = run(Policy(isQuiesced: true))
    _ = off.next(after: nil)
    _ = off.next(after: outcome(errors: "error: domain is not running\n", status: 1))
    _ = off.next(after: outcome(backup(incremental, more: #","running":false"#)))
    #expect(off.report.isFaultless && off.report.resultText == "created")
    let failing = run(Policy(isQuiesced: true))
    _ = failing.next(after: nil)
    _ = failing.next(after: outcome(errors: "error: no pool\n", status: 1))
    #expect(failing.next(after: outcome(errors: "error: no pool\n", status: 1)) == nil)
    #expect(failing.report.result == .failed && failing.report.resultText == "failed")
    #expect(failing.report.problems.map(\.lines) == [["no pool"]])
    #expect(failing.report.problems.map(\.step.title) == ["backup"])
  }

  @Test(arguments: [
    (#"{"name":"vda","mode":"full","reason_code":"first","reason":"first backup"}"#, "full", true),
    (
      #"{"name":"vda","mode":"full","reason_code":"bitmap_lost","reason":"gone"}"#, "full: gone",
      false
    ),
    (
      #"{"name":"vda","mode":"full","reason_code":"new_disk","reason":"new"},"#
        + #"{"name":"vdb","mode":"full","reason_code":"bitmap_lost","reason":"gone"}"#,
      "vda full, vdb full: gone", false
    ),
  ])
  func `a full is told with its reason where nobody asked for it`(
    disks: String, mode: String, isFaultless: Bool
  ) {
    let run = run(Policy())
    _ = run.next(after: nil)
    _ = run.next(after: outcome(backup(disks, type: "full")))
    _ = run.next(after: outcome(#"{"backups":[]}"#))
    #expect(run.report.mode == mode && run.report.isFaultless == isFaultless)
    #expect(run.report.isGood)
  }

  @Test func `some disks full, some incremental`() {
    let run = run(Policy())
    _ = run.next(after: nil)
    let lost = #"{"name":"vdb","mode":"full","reason_code":"bitmap_lost","reason":"gone"}"#
    _ = run.next(after: outcome(backup("\(incremental),\(lost)", type: "mixed")))
    #expect(run.report.mode == "incremental, vdb full: gone")
  }

  @Test func `a check that fails is told, and no success`() {
    let run = run(Policy(verifyInterval: 1, bootInterval: 1))
    _ = run.next(after: nil)
    _ = run.next(after: outcome(backup(incremental)))
    _ = run.next(after: outcome(#"{"backups":[]}"#))
    _ = run.next(after: outcome(errors: "error: 1 of 2 backup(s) did not pass\n", status: 1))
    #expect(run.next(after: outcome(status: 1)) == nil)
    #expect(run.report.resultText == "created, not verified, does not boot")
    #expect(run.report.isGood && !run.report.isFaultless)
    #expect(run.report.problems.last?.lines == ["it ended with exit status 1"])
  }
}
