// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Tab at the prompt.
@Suite struct PromptCompletionTests {
  private static let tab = PseudoTerminal.tab
  private let host: CommandShell

  init() throws {
    host = try CommandShell(domains: ["web 1", "web 2", "db", "say \"x\"", "a@b=c", "a@z"])
    try host.addBackup("monday", sequence: 1)
    try host.addBackup("tuesday", sequence: 2)
    try host.addBackup("remote", sequence: 1, in: host.otherPool)
    try FileManager.default.createDirectory(
      atPath: "\(host.directory)/it's a \"dir\"", withIntermediateDirectories: false)
  }

  /// The lines that come of what is typed: they are in the history, the trailing blanks included.
  private func lines(
    _ typed: [String], in program: String = TestSupport.Program.path
  ) throws -> [String] {
    let isOurs = program == TestSupport.Program.path
    let terminal = try host.terminal(program)
    try terminal.expect(isOurs ? CommandShell.prompt : "virsh # ")
    // Like a person's first command, it makes the connection that virsh completes with.
    terminal.send("uri\r")
    for text in typed {
      try terminal.expect(isOurs ? CommandShell.prompt : "virsh # ")
      terminal.send(text + "\r")
    }
    try terminal.expect(isOurs ? CommandShell.prompt : "virsh # ")
    terminal.send(PseudoTerminal.control("d"))
    #expect(try terminal.wait() == .exited(0))
    let history = try String(
      contentsOfFile: host.history(of: isOurs ? "virsh-backup" : "virsh"), encoding: .utf8)
    return history.split(separator: "\n").dropFirst().map(String.init)
  }

  @Test func `commands, options and values`() throws {
    let cases = [
      ("backup-c\t", "backup-create "), ("backup-info --x\t", "backup-info --xml "),
      ("backup-info d\t", "backup-info db "), ("backup-info web\\ 1\t", "backup-info web\\ 1 "),
      ("backup-info w\t\\ 1\t", "backup-info web\\ 1 "),
      ("backup-info \"web 1\t", "backup-info \"web 1\" "),
      ("backup-info 'web 1\t", "backup-info 'web 1' "),
      ("backup-info s\t", "backup-info say\\ \\\"x\\\" "),
      ("backup-info \"s\t", "backup-info \"say \\\"x\\\"\" "),
      ("backup-info --domain d\t", "backup-info --domain db "),
      ("backup-info --domain=d\t", "backup-info --domain=db "),
      ("backup-info a@b\t", "backup-info a@b=c "), ("backup-info a@b=\t", "backup-info a@b=c "),
      ("backup-list --pool b\t", "backup-list --pool backups "),
      ("backup-list --pool=o\t", "backup-list --pool=other "),
      ("echo a; backup-info d\t", "echo a; backup-info db "),
      ("backup-info web1 m\t", "backup-info web1 monday "),
      (
        "backup-info \(CommandShell.domainUUID) t\t",
        "backup-info \(CommandShell.domainUUID) tuesday "
      ),
      (
        "backup-delete --domain web1 --backupname m\t",
        "backup-delete --domain web1 --backupname monday "
      ),
      ("backup-list --domain web1 --from t\t", "backup-list --domain web1 --from tuesday "),
      ("backup-list --from m\t", "backup-list --from monday "),
      ("backup-info --pool other web1 r\t", "backup-info --pool other web1 remote "),
      (
        "backup-info web1 --pool=other --backupname r\t",
        "backup-info web1 --pool=other --backupname remote "
      ),
      ("backup-list d\t", "backup-list db "), ("backup-list web1 d\t", "backup-list web1 db "),
      ("backup-prune web1 --keep-d\t", "backup-prune web1 --keep-daily "),
      ("backup-prune d\t", "backup-prune db "),
      ("backup-protect web1 m\t", "backup-protect web1 monday "),
      ("backup-desc web1 t\t", "backup-desc web1 tuesday "),
      ("backup-create db --diskspec vdb\t", "backup-create db --diskspec vdb "),
      (
        "backup-create db --diskspec vdb,backupmode=f\t",
        "backup-create db --diskspec vdb,backupmode=full "
      ),
      ("backup-restore web1 --diskspec v\t", "backup-restore web1 --diskspec vda "),
      (
        "backup-restore web1 --diskspec vda,driver=q\t",
        "backup-restore web1 --diskspec vda,driver=qcow2 "
      ),
      ("backup-restore web1 --format q\t", "backup-restore web1 --format qcow2 "),
    ]
    let lines = try lines(cases.map(\.0))
    #expect(lines == cases.map(\.1))
  }

  @Test func `a pool that stands behind the cursor counts`() throws {
    func typed(_ pool: String) -> String {
      let behind = " --pool \(pool)"
      let back = String(repeating: PseudoTerminal.left, count: behind.count)
      return "backup-info web1 \(behind)\(back)r\t"
    }
    let lines = try lines([typed("other"), typed("nosuch")])
    #expect(lines == ["backup-info web1 remote --pool other", "backup-info web1 r --pool nosuch"])
  }

  @Test func `file names, quoted where the parser needs it`() throws {
    let directory = host.directory
    let quoted = "it\\'s\\ a\\ \\\"dir\\\"/"
    let cases = [
      ("cd \(directory)/back\t", "cd \(directory)/backups/"),
      ("cd \(directory)/it\t", "cd \(directory)/\(quoted)"),
      ("cd \(directory)/it\\'s\\ \t", "cd \(directory)/\(quoted)"),
      ("cd \"\(directory)/it\t\"", "cd \"\(directory)/it's a \\\"dir\\\"/\""),
      (
        "backup-restore web1 --diskspec vda,file=\(directory)/no\t",
        "backup-restore web1 --diskspec vda,file=\(directory)/node.xml "
      ),
      ("backup-list --pool=\(directory)/oth\t", "backup-list --pool=\(directory)/other/"),
    ]
    let lines = try lines(cases.map(\.0))
    #expect(lines == cases.map(\.1))
  }

  @Test func `virsh's own commands are completed as virsh does it`() throws {
    let typed = [
      "dominf\t", "list --na\t", "dominfo d\t", "dominfo --domain=d\t", "vol-list --pool ba\t",
      "echo a; domstate d\t", "help dominf\t", "net-\u{15}pwd\t", "cd \(host.directory)/back\t",
    ]
    #expect(try lines(typed) == lines(typed, in: "virsh"))
    // virsh offers its options in the place of the rest of a name, or nothing.
    #expect(
      try lines(["dominfo web\\ 1\t", "dominfo \"web 1\t"]).suffix(2)
        == ["dominfo web\\ 1 ", "dominfo \"web 1\" "])
  }

  @Test func `the second Tab lists what there is`() throws {
    let terminal = try host.terminal()
    try terminal.expect(CommandShell.prompt)
    terminal.send("backup-info web\(Self.tab)\(Self.tab)")
    try terminal.expect("web1    web\\ 1  web\\ 2")
    terminal.send("\u{15}backup-delete web1 \(Self.tab)\(Self.tab)\(Self.tab)")
    let options = try terminal.expect("\(CommandShell.prompt)backup-delete web1")
    #expect(options.contains("--backupname") && !options.contains("--domain"))
    terminal.send("\u{15}\(Self.tab)\(Self.tab)")
    try terminal.expect(" possibilities? (y or n)")
    terminal.send("n\u{15}")
    terminal.send(PseudoTerminal.control("d"))
    #expect(try terminal.wait() == .exited(0))
  }
}
