// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import BackupCommands

/// Tests which backups `backup-list` shows, and in which order.
@Suite struct ListTests {
  private static let otherUUID = "0b63dd2f-8d1c-4b1e-9d4f-1c1b1a3f5a11"

  /// Two domains, of which the later in the alphabet has points whose names are not in their order.
  private func shell() throws -> CommandShell {
    let shell = try CommandShell()
    try shell.addBackup("zero", sequence: 1)
    try shell.addBackup("one", sequence: 2, isProtected: true)
    try shell.addBackup("b", sequence: 1, of: "db", ListTests.otherUUID)
    try shell.addBackup("a", sequence: 2, of: "db", ListTests.otherUUID)
    return shell
  }

  private func names(_ line: String, _ shell: CommandShell) -> [String] {
    #expect(shell.run("backup-list --name \(line)", readOnly: true), "\(shell.err)")
    return shell.out.split(separator: "\n").map(String.init)
  }

  @Test func `by domain, and in each from the oldest to the newest`() throws {
    #expect(try names("", shell()) == ["b", "a", "zero", "one"])
  }

  @Test func `of the domains that are named, in any way`() throws {
    let shell = try shell()
    #expect(names("web1", shell) == ["zero", "one"])
    #expect(names("--domain web1", shell) == ["zero", "one"])
    #expect(names("web1 db", shell) == ["b", "a", "zero", "one"])
    #expect(names("--domain db \(CommandShell.domainUUID)", shell) == ["b", "a", "zero", "one"])
    #expect(!shell.run("backup-list web1 nosuch", readOnly: true))
    #expect(shell.err == "error: no domain and no backup of a domain with name 'nosuch'\n")
  }

  @Test func `a clock that was set back changes nothing`() throws {
    let shell = try CommandShell()
    try shell.addBackup("p1", sequence: 1, time: 1_795_000_000)
    try shell.addBackup("p2", sequence: 2, time: 1_794_000_000)
    #expect(names("", shell) == ["p1", "p2"])
  }

  @Test func `the backups of several pools are in the order of their times`() throws {
    let shell = try CommandShell()
    try shell.addBackup("p1", sequence: 1, time: 1_795_000_000)
    try shell.addBackup("p2", sequence: 2, time: 1_797_000_000)
    try shell.addBackup("o9", sequence: 1, in: shell.otherPool, time: 1_796_000_000)
    #expect(names("--all-pools", shell) == ["p1", "o9", "p2"])
  }

  @Test func `two domains of one name are told apart`() throws {
    let shell = try CommandShell()
    try shell.addBackup("p1", sequence: 1)
    try shell.addBackup("q1", sequence: 1, of: "web1", ListTests.otherUUID)
    #expect(shell.run("backup-list", readOnly: true))
    for (name, uuid) in [("p1", CommandShell.domainUUID), ("q1", ListTests.otherUUID)] {
      let lines = shell.out.split(separator: "\n").filter { $0.contains(" \(name) ") }
      #expect(
        lines.count == 1 && lines.allSatisfy { $0.contains("web1 (\(uuid))") }, "\(shell.out)")
    }
    #expect(shell.run("backup-list --tree", readOnly: true))
    #expect(
      shell.out.contains("web1 (\(ListTests.otherUUID))\n  |\n  +- q1  2026-"), "\(shell.out)")
    #expect(!shell.run("backup-list web1", readOnly: true))
    #expect(shell.err.contains("give the UUID"))
  }

  @Test func `a tree has domains, and times`() throws {
    let shell = try shell()
    #expect(shell.run("backup-list --tree", readOnly: true), "\(shell.err)")
    let times = try ["b", "a", "zero", "one"].map { name in
      try #require(
        shell.out.split(separator: "\n").first { $0.contains("- \(name)  ") }?.split(separator: " ")
          .suffix(3).joined(separator: " "))
    }
    #expect(
      shell.out == """
        db
          |
          +- b  \(times[0])
              |
              +- a  \(times[1])
                \("")
        web1
          |
          +- zero  \(times[2])
              |
              +- one  \(times[3])
                \("")


        """)
  }

  @Test func `details tell what is protected`() throws {
    let shell = try shell()
    #expect(shell.run("backup-list web1 --details", readOnly: true), "\(shell.err)")
    let rows = shell.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows[0].contains("Protected"))
    #expect(rows[2].contains("no") && rows[3].contains("yes"), "\(shell.out)")
    #expect(shell.run("backup-info web1 one", readOnly: true))
    #expect(shell.out.contains("Protected:      yes\n"), "\(shell.out)")
  }
}
