// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials
import QMP
import Testing

@testable import BackupCommands

/// `backup-policy` on libvirt's test driver, whose domains live as long as a connection.
struct PolicyCommandTests {
  private func shell() throws -> CommandShell { try CommandShell(domains: ["web1", "db 1"]) }

  @Test func `a domain without one has none`() throws {
    let shell = try shell()
    #expect(shell.run("backup-policy web1"), "\(shell.err)")
    #expect(shell.out.contains("No policy for domain: web1\n"))
    #expect(shell.run("backup-policy web1 --json"))
    #expect(JSONValue(document: shell.out)?["policy"] == .null)
  }

  @Test func `options set what they name and leave the rest`() throws {
    let shell = try shell()
    let line = """
      backup-policy 'db 1' --keep-daily 7 --keep-last 3 --pool backups --quiesce --exclude vdb; \
      backup-policy 'db 1' --keep-last 0 --keep-within 14d --compress zstd --verify 1w --boot 90m; \
      backup-policy 'db 1'
      """
    #expect(shell.run(line), "\(shell.err)")
    #expect(shell.out.contains("Policy of domain 'db 1' set\n"))
    #expect(shell.out.contains("Policy of domain 'db 1' updated\n"))
    #expect(
      shell.out.contains(
        """
        Domain:         db 1
        State:          on
        Pool:           backups
        Keep:           within 14d, daily 7
        Quiesce:        yes
        Compress:       zstd
        Fleecing:       -
        Exclude:        vdb
        Verify:         every 7d
        Boot:           every 90m

        """), "\(shell.out)")
  }

  @Test func `0 and empty texts take settings back`() throws {
    let shell = try shell()
    let line = """
      backup-policy web1 --keep-daily 7 --keep-within 1d --pool other --fleecing backups --quiesce \
      --compress zlib --verify 1d --boot 1d --off --exclude vda --exclude vdb; \
      backup-policy web1 --keep-daily 0 --keep-within 0 --pool '' --fleecing '' --no-quiesce \
      --compress '' --verify 0 --boot 0 --on --exclude ''; backup-policy web1 --json
      """
    #expect(shell.run(line), "\(shell.err)")
    let document = shell.out.split(separator: "\n").last { $0.hasPrefix("{") }
    let policy = JSONValue(document: String(document ?? ""))?["policy"]
    #expect(
      policy
        == .object([
          "off": false, "pool": .null, "keep": .object([:]), "keep_within": .null, "quiesce": false,
          "compress": .null, "fleecing": .null, "exclude": .array([]), "verify": .null,
          "boot": .null,
        ]), "\(shell.out)")
  }

  @Test func `it can be removed, and left out for a time`() throws {
    let shell = try shell()
    let line = """
      backup-policy web1 --keep-daily 7; backup-policy web1 --off --json; \
      backup-policy web1 --remove; backup-policy web1
      """
    #expect(shell.run(line), "\(shell.err)")
    #expect(shell.out.contains("Policy of domain 'web1' removed\n"))
    #expect(shell.out.contains("No policy for domain: web1\n"))
    let document = shell.out.split(separator: "\n").first { $0.hasPrefix("{") }
    let policy = JSONValue(document: String(document ?? ""))?["policy"]
    #expect(policy?["off"] == true && policy?["keep"]?["daily"] == 7)
  }

  @Test(arguments: [
    ("web1 --exclude vdz", "no disk named 'vdz'"),
    ("web1 --exclude vda --exclude vda", "disk 'vda' specified twice"),
    ("web1 vdb", "unexpected data 'vdb'"),
    ("web1 --pool nowhere", "no storage pool with matching name 'nowhere'"),
    ("web1 --fleecing nowhere", "no storage pool with matching name 'nowhere'"),
    ("web1 --compress lzma", "compression 'lzma' is not one of zstd, zlib"),
    ("web1 --keep-daily -1", "Numeric value '-1' for <keep-daily> option is malformed"),
    ("web1 --verify 7x", "Numeric value '7x' for <verify> option is malformed"),
    ("web1 --remove --keep-daily 7", "Options --remove and --keep-daily are mutually exclusive"),
    ("web2 --off", "failed to get domain 'web2'"),
  ])
  func `what cannot be meant is refused, and nothing is set`(
    arguments: String, message: String
  ) throws {
    let shell = try shell()
    #expect(!shell.run("backup-policy \(arguments)"))
    #expect(shell.err.contains(message), "\(shell.err)")
    #expect(!shell.out.contains("updated"))
  }

  @Test func `backup-run has nothing to do where no domain has one`() throws {
    let shell = try shell()
    #expect(!shell.run("backup-run"))
    #expect(shell.err.contains("error: no domain has a policy, so that nothing is backed up"))
    #expect(!shell.run("backup-run --jobs 0 --all"))
    #expect(shell.err.contains("Numeric value '0' for <jobs> option"))
    #expect(!shell.run("backup-run nobody"))
    #expect(shell.err.contains("failed to get domain 'nobody'"))
  }

  @Test func `a dry run tells what would be done`() throws {
    let shell = try shell()
    let policy =
      "backup-policy web1 --keep-daily 7 --quiesce --verify 7d; backup-policy 'db 1' --off;"
    #expect(shell.run("\(policy) backup-run --all --dry-run"), "\(shell.err)")
    #expect(
      shell.out.contains(
        """
         Domain   Policy   Pool      Steps
        --------------------------------------------------------------------------------------
         db 1     off      backups   -
         web1     yes      backups   create --quiesce, prune --keep-daily 7, verify every 7d

        """), "\(shell.out)")
    #expect(shell.run("backup-run web1 --dry-run --json"), "\(shell.err)")
    let domains = JSONValue(document: shell.out)?["domains"]?.elements ?? []
    #expect(domains.map { $0["policy"]?.string } == ["none"])
    #expect(domains.map { $0["steps"]?.string } == ["create"])
  }
}
