// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import BackupCommands

/// Tests what `backup-prune` takes and shows, before it deletes anything.
@Suite struct PruneTests {
  private static let otherUUID = "0b63dd2f-8d1c-4b1e-9d4f-1c1b1a3f5a11"

  /// Two domains with points of three days.
  private func shell() throws -> CommandShell {
    let shell = try CommandShell()
    for day in 1...3 {
      let time = 1_795_000_000 + Int64(day) * 86400
      try shell.addBackup("p\(day)", sequence: day, time: time, isProtected: day == 1)
      try shell.addBackup("q\(day)", sequence: day, time: time, of: "db", PruneTests.otherUUID)
    }
    return shell
  }

  /// The columns that matter of each line of the table.
  private func rows(_ line: String, _ shell: CommandShell) -> [[String]] {
    #expect(shell.run("backup-prune --dry-run \(line)", readOnly: true), "\(shell.err)")
    return shell.out.split(separator: "\n").dropFirst(2).compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count > 8, words[2].hasPrefix("2026-") else { return nil }
      return [words[0], words[1], words[7], words[8]]
    }
  }

  @Test func `each backup with what becomes of it`() throws {
    #expect(
      try rows("--keep-last 1 web1", shell()) == [
        ["p1", "web1", "keep", "protected"], ["p2", "web1", "remove", "-"],
        ["p3", "web1", "keep", "last"],
      ])
  }

  @Test func `several domains, each once, or all of the pool`() throws {
    let shell = try shell()
    let all = ["q1", "q2", "q3", "p1", "p2", "p3"]
    #expect(rows("--keep-daily 2 --all", shell).map { $0[0] } == all)
    #expect(shell.out.contains("\n1 backup would be deleted, which frees 64.00 KiB at most\n"))
    #expect(rows("--keep-daily 2 db web1 \(CommandShell.domainUUID)", shell).map { $0[0] } == all)
    #expect(rows("--keep-within 3w --keep-last 5 --all", shell).allSatisfy { $0[2] == "keep" })
    #expect(shell.out.contains("\nEvery backup is kept\n"))
  }

  @Test func `a dry run changes nothing`() throws {
    let shell = try shell()
    let before = shell.files
    _ = rows("--keep-last 1 --all", shell)
    #expect(shell.files == before && before.count == 12)
  }

  @Test(arguments: [
    ("web1", "a rule must be given that says what is kept"),
    ("--all", "a rule must be given that says what is kept"),
    ("--keep-last 1", "a domain, or --all for all domains in the pool, must be given"),
    ("--keep-last 0 web1", "Numeric value '0' for <keep-last> option is malformed"),
    ("--keep-weekly -2 web1", "Numeric value '-2' for <keep-weekly> option is malformed"),
    ("--keep-within 5y web1", "Numeric value '5y' for <keep-within> option is malformed"),
    ("--keep-last 1 --all web1", "Options --all and --domain are mutually exclusive"),
    ("--keep-last 1 nosuch", "no domain and no backup of a domain with name 'nosuch'"),
    ("--keep-last 1 web1 nosuch", "no domain and no backup of a domain with name 'nosuch'"),
  ])
  func `what makes no sense is refused`(line: String, message: String) throws {
    let shell = try shell()
    #expect(!shell.run("backup-prune \(line)", readOnly: true))
    #expect(shell.err.hasPrefix("error: \(message)"), "\(shell.err)")
  }

  @Test func `the description of a backup is shown`() throws {
    let shell = try shell()
    #expect(shell.run("backup-desc web1 p1", readOnly: true), "\(shell.err)")
    #expect(shell.out == "the first\n\n")
    #expect(shell.run("backup-desc web1 p2", readOnly: true))
    #expect(shell.out == "No description for domain backup: p2\n\n")
  }
}
