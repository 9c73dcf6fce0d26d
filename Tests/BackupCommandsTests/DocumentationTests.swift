// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@testable import BackupCommands

/// The manual page and the README say what the command table says, no more and no less.
@Suite struct DocumentationTests {
  static let commands = Program.table.commands.filter { !$0.isHidden }.map(\.name)

  /// Names of options, `--name`, in a text.
  private func options(in text: String) -> Set<String> {
    Set(text.matches(of: #/(?:^|[^A-Za-z0-9-])--([a-z][a-z-]*)/#).map { String($0.1) })
  }

  /// The manual page as plain text: without roff's escapes.
  private func page() throws -> String {
    try Project.text("man/virsh-backup.1").replacing("\\-", with: "-").replacing(
      #/\\f[A-Z]/#, with: "")
  }

  /// The manual page's subsections by name.
  private func sections() throws -> [String: String] {
    var sections: [String: String] = [:]
    for part in try page().split(separator: #/\n(?=\.S[SH] )/#) where part.hasPrefix(".SS ") {
      let name = part.dropFirst(4).prefix { $0 != "\n" }
      sections[String(name)] = String(part.dropFirst(4 + name.count))
    }
    return sections
  }

  private func table(_ command: String) -> Set<String> {
    Set(
      Program.table.command(named: command)?.options.filter { !$0.isHidden }.map(\.name) ?? [])
  }

  @Test(arguments: commands) func `the page has a command's options`(command: String) throws {
    let section = try #require(try sections()[command])
    #expect(options(in: section) == table(command))
    // Each is explained, not only mentioned.
    let lines = section.split(separator: "\n").map(String.init)
    let explained = zip(lines, lines.dropFirst()).filter { $0.0 == ".TP" }.map(\.1)
    #expect(options(in: explained.joined(separator: "\n")) == table(command))
  }

  @Test(arguments: commands) func `the page has a command's rules`(command: String) throws {
    let section = try #require(try sections()[command])
    let told = section.matches(of: #/(?m)^--[a-z-]+ (?:excludes|requires) [^.]*\.$/#)
    let rules = try #require(Program.table.command(named: command)).ruleSentences
    #expect(told.map { String($0.0) } == rules)
  }

  @Test(arguments: commands) func `the page's synopsis shows all options`(command: String) throws {
    let section = try #require(try sections()[command])
    let synopsis = section.split(separator: "\n.PP").first.map(String.init) ?? ""
    let named = try #require(Program.table.command(named: command)).options.filter { option in
      if case .alias = option.kind { return false }
      return !option.isHidden && !(option.isPositional && option.isRequired)
    }
    for option in named where option.kind != .list && !option.isPositional {
      #expect(options(in: synopsis).contains(option.name), "--\(option.name)")
    }
  }

  @Test func `the page has no other commands`() throws {
    let page = try self.page()
    let start = try #require(page.firstRange(of: ".SH \"BACKUP COMMANDS\"")).upperBound
    let end = try #require(page.firstRange(of: ".SH ENVIRONMENT")).lowerBound
    let documented = page[start..<end].matches(of: #/\n\.SS (\S+)/#).map { String($0.1) }
    let groups = Program.table.groups.map { group in
      group.commands.filter { !$0.isHidden }.map(\.name).sorted()
    }
    #expect(documented == groups.flatMap { $0 })
    #expect(unknownCommands(in: page) == [])
  }

  @Test func `the page has the program's options`() throws {
    let page = try self.page()
    let start = try #require(page.firstRange(of: ".SH \"GENERIC OPTIONS\"")).upperBound
    let end = try #require(page.firstRange(of: ".SH \"BACKUP COMMANDS\"")).lowerBound
    let shell = try CommandShell()
    let usage = Shell(
      programName: "virsh-backup", table: Program.table,
      context: Client(uri: nil, isReadOnly: true, keepalive: (nil, nil), defaultPool: nil),
      output: Output(write: { _ in }, writeError: { _ in })
    ).usageText
    #expect(
      options(in: String(page[start..<end]))
        == options(in: usage).union(["no-pkttyagent"]))
    #expect(shell.err == "")
  }

  @Test(arguments: ["README.md", "man/virsh-backup.1"])
  func `what is shown being typed exists`(file: String) throws {
    let text = file == "README.md" ? try Project.text(file) : try page()
    let lines = text.matches(of: #/\$ virsh-backup (backup-[a-z-]+)([^\n]*)/#)
    #expect(lines.count > 3)
    for line in lines {
      let command = String(line.1)
      #expect(Program.table.command(named: command) != nil, "\(line.0)")
      #expect(options(in: String(line.2)).isSubset(of: table(command)), "\(line.0)")
    }
  }

  @Test func `the README names our commands and options and no others`() throws {
    let text = try Project.text("README.md")
    for command in Program.table.groups[0].commands where !command.isHidden {
      #expect(text.contains("`\(command.name)`"), "\(command.name)")
    }
    #expect(unknownCommands(in: text) == [])
    // Options in backquotes are ours, where no other program is named before them.
    let known = Set(Program.table.commands.flatMap(\.options).map(\.name))
    let quoted = text.matches(of: #/`--([a-z-]+)/#).map { String($0.1) }
    #expect(quoted.filter { !known.contains($0) } == [])
  }

  @Test func `both list all reasons`() throws {
    let codes = [
      "first", "requested", "new_disk", "bitmap_missing", "bitmap_lost", "bitmap_inconsistent",
      "image_changed", "disk_shrunk", "base_missing", "base_damaged", "base_deleted", "forgotten",
      "internal_snapshots", "chain_long", "shared", "unprotected_thread",
    ]
    // The engine's own list, read from where it is made.
    let made = try Project.text("Sources/BackupCore/Disks/Reason.swift").matches(
      of: #/code: "([a-z_]+)"/#)
    #expect(made.map { String($0.1) } == codes)
    let (page, readme) = (try self.page(), try Project.text("README.md"))
    for code in codes {
      #expect(page.contains(".B \(code)\n"), "\(code)")
      #expect(readme.contains("| `\(code)` |"), "\(code)")
    }
  }

  @Test func `the page's version is the program's`() throws {
    #expect(try page().contains("\"virsh-backup \(Program.version)\""))
  }

  private func unknownCommands(in text: String) -> [String] {
    // libvirt's own, and what a bitmap is called.
    let others: Set = ["backup-begin", "backup-vda"]
    return text.matches(of: #/[^A-Za-z0-9\/.-](backup-[a-z-]+)/#).map { String($0.1) }.filter {
      Program.table.command(named: $0) == nil && !others.contains($0)
    }
  }
}
