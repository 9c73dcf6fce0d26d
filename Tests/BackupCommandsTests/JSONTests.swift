// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import FoundationEssentials
import QMP
import Testing

/// Bars, scripts and the manual page rely on the names of the members.
@Suite struct JSONTests {
  private static let pointMembers = [
    "created", "description", "disks", "domain", "domain_uuid", "host", "name", "parent", "pool",
    "protected", "size", "state", "type", "uuid", "verified",
  ]

  private func members(_ value: JSONValue?) -> [String] {
    guard case .object(let members) = value else { return [] }
    return members.keys.sorted()
  }

  private func array(_ value: JSONValue?) -> [JSONValue] {
    guard case .array(let values) = value else { return [] }
    return values
  }

  private func read(_ line: String, on shell: CommandShell) throws -> JSONValue {
    #expect(shell.run(line, readOnly: true), "\(shell.err)")
    return try JSONDecoder().decode(JSONValue.self, from: Data(shell.out.utf8))
  }

  private func shellWithTwo() throws -> CommandShell {
    let shell = try CommandShell()
    try shell.addBackup("p0", sequence: 1)
    try shell.addBackup("p1", sequence: 2)
    return shell
  }

  @Test func `an empty list`() throws {
    let document = try read("backup-list --json", on: CommandShell())
    #expect(document == .object(["backups": .array([])]))
  }

  @Test func `the members of backup-list`() throws {
    let document = try read("backup-list --json", on: shellWithTwo())
    #expect(members(document) == ["backups"])
    let backups = array(document["backups"])
    #expect(backups.map(members) == [JSONTests.pointMembers, JSONTests.pointMembers])
    let (first, second) = (try #require(backups.first), try #require(backups.last))
    #expect(first["name"]?.string == "p0")
    #expect(first["created"]?.string == "2026-11-22T23:51:02Z")
    #expect(first["type"]?.string == "full")
    #expect(first["state"]?.string == "complete")
    #expect(first["parent"] == .null)
    #expect(first["description"]?.string == "the first")
    #expect(first["disks"] == .array([.string("vda")]))
    #expect(first["size"]?.int == 65536)
    #expect(first["pool"]?.string == "backups")
    #expect(second["type"]?.string == "incremental")
    #expect(second["parent"]?.string == "p0")
    #expect(second["description"] == .null)
  }

  @Test func `the members of backup-info`() throws {
    let shell = try shellWithTwo()
    let document = try read("backup-info web1 p0 --json", on: shell)
    #expect(
      members(document)
        == (JSONTests.pointMembers + [
          "checksums", "children", "consistency", "guest", "nvram", "problems", "tpm", "unsaved",
        ])
        .sorted())
    #expect(document["children"] == .array([.string("p1")]))
    #expect(document["consistency"]?.string == "crash")
    #expect(document["nvram"] == .null && document["tpm"] == .null)
    #expect(document["unsaved"] == .array([]))
    let disks = array(document["disks"])
    #expect(
      disks.map(members) == [
        ["capacity", "mode", "name", "parent", "path", "reason", "reason_code", "size", "volume"]
      ])
    #expect(disks.first?["reason_code"]?.string == "first")
    #expect(disks.first?["path"]?.string == "\(shell.pool)/web1.p0.vda.qcow2")
  }

  @Test func `the members of backup-prune`() throws {
    let shell = try shellWithTwo()
    let document = try read("backup-prune web1 --keep-last 1 --dry-run --json", on: shell)
    #expect(members(document) == ["domains", "dry_run", "pool"])
    #expect(document["dry_run"] == .bool(true) && document["pool"]?.string == "backups")
    let domains = array(document["domains"])
    #expect(
      domains.map(members) == [
        ["backups", "deleted", "domain", "domain_uuid", "error", "freed", "frees"]
      ])
    #expect(domains.first?["deleted"] == .array([]) && domains.first?["error"] == .null)
    let backups = array(domains.first?["backups"])
    #expect(
      backups.map(members)
        == Array(
          repeating: ["created", "frees", "keep", "name", "rule", "size", "uuid"], count: 2))
    #expect(backups.map { $0["keep"] } == [.bool(false), .bool(true)])
    #expect(backups.map { $0["rule"] } == [.null, .string("last")])
    #expect(backups.map { $0["frees"]?.int } == [65536, 0])
  }

  @Test func `a backup whose volume is gone`() throws {
    let shell = try CommandShell()
    try shell.addBackup("p0", sequence: 1, hasVolume: false)
    #expect(try read("backup-list --json", on: shell) == .object(["backups": .array([])]))
    #expect(shell.err == "1 unfinished or broken backup(s) not shown, see --all\n")
    let all = array(try read("backup-list --json --all", on: shell)["backups"])
    #expect(all.map { $0["state"]?.string } == ["missing volume"])
    #expect(shell.err == "")
  }

  @Test func `a manifest that is none`() throws {
    let shell = try CommandShell()
    try shell.write("<backup version='1'><name>", to: "\(shell.pool)/web1.p0.backup.xml")
    let all = array(try read("backup-list --json --all", on: shell)["backups"])
    #expect(all.map(members) == [["domain", "name", "pool", "state"]])
    #expect(all.first?["state"]?.string == "incomplete")
  }

  @Test(arguments: ["--json --name", "--json --tree"])
  func `excludes other forms`(options: String) throws {
    let shell = try CommandShell()
    #expect(!shell.run("backup-list \(options)", readOnly: true))
    #expect(shell.err.contains("mutually exclusive"))
  }

  @Test func `the manual page has every member`() throws {
    let shell = try shellWithTwo()
    let info = try read("backup-info web1 p0 --json", on: shell)
    let disks = array(info["disks"])
    let prune = try read("backup-prune web1 --keep-last 1 --dry-run --json", on: shell)
    let domains = array(prune["domains"])
    let pruned =
      members(prune) + members(domains.first) + members(array(domains.first?["backups"]).first)
    let jobs = ["backups", "jobs", "operation", "started", "bytes_done", "bytes_total", "rate"]
    let page = try Project.text("man/virsh-backup.1")
    let start = try #require(page.firstRange(of: ".SH \"JSON DOCUMENTS\"")).upperBound
    let words = Set(
      page[start...].split { !($0.isLetter || $0 == "_") }.map(String.init))
    for member in members(info) + members(disks.first) + pruned + jobs {
      #expect(words.contains(member), "\(member)")
    }
  }
}
