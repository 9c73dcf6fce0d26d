// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct BuiltinsTests {
  private func echo(_ line: String) -> String {
    let shell = makeShell { $0.isQuiet = true }
    #expect(shell.run(line: "echo \(line)"))
    #expect(shell.context.err == "")
    return shell.context.out
  }

  @Test(arguments: [
    ("", ""), ("a", "a"), ("a  b", "a b"), ("'a  '", "a  "), ("a '' b", "a  b"), ("''", ""),
    ("--hi", "hello"), ("--hi --str x", "hello x"), ("--string a b", "a b"),
    ("--prefix p a", "p a"),
    ("--shell a 'b c' '' \"it's\"", #"a 'b c' '' 'it'\''s'"#),
    ("--shell 'aZ09%+,-./:=@_' é '~' '$' '*'", "aZ09%+,-./:=@_ é '~' '$' '*'"),
    ("--xml \"<a b='c'>&\\\"\"", "&lt;a b=&apos;c&apos;&gt;&amp;&quot;"),
    ("--split a,b,,c d,", "a\nb,c\n d\n\n"), ("--split ''", ""), ("--split ,", "\n\n"),
    ("--shell \"a'\u{301}b\"", "'a'\\''\u{301}b'"), ("--split a,\u{301}", "a\n\u{301}\n"),
    ("--string=\u{301}", "\u{301}"),
  ])
  func `echo prints words`(line: String, expected: String) {
    #expect(echo(line) == expected)
  }

  @Test(arguments: [("--err a b", "error: a b\n"), ("--err", ""), ("--err ''", "error: \n")])
  func `echo prints errors`(line: String, expected: String) {
    let shell = makeShell()
    #expect(shell.run(line: "echo \(line)"))
    #expect(shell.context.err == expected)
    #expect(shell.context.out == "\n")
  }

  @Test(arguments: [
    ("--xml --shell", "shell", "xml"), ("--split --shell a", "shell", "split"),
    ("--split --xml", "xml", "split"),
  ])
  func `formats of echo exclude each other`(line: String, first: String, second: String) {
    let shell = makeShell()
    #expect(!shell.run(line: "echo \(line)"))
    #expect(
      shell.context.err == "error: Options --\(first) and --\(second) are mutually exclusive\n")
    #expect(shell.context.out == "\n")
  }

  @Test func `cd says what is wrong`() {
    let shell = makeShell()
    #expect(!shell.run(line: "cd /nonexistent/x"))
    #expect(shell.context.err == "error: cd: No such file or directory: /nonexistent/x\n")
  }

  @Test func `pwd prints a directory`() {
    let shell = makeShell()
    #expect(shell.run(line: "pwd"))
    #expect(shell.context.out.hasPrefix("/"))
    #expect(shell.context.out.hasSuffix("\n\n"))
  }

  @Test func `complete prints candidates, and fails without any`() {
    let shell = makeShell()
    #expect(shell.run(line: "complete -- back"))
    #expect(!shell.run(line: "complete -- backup-begin -x"))
    #expect(shell.context.out == "backup-begin\n\n\n")
    #expect(shell.context.err == "")
  }

  @Test func `self-test is silent about a sound table`() {
    let shell = makeShell { $0.isQuiet = true }
    #expect(shell.run(line: "self-test"))
    #expect(shell.context.all == "")
    #expect(shell.run(line: "self-test --completers-missing"))
    #expect(
      shell.context.out == """
        backup-begin: backupxml, checkpointxml
        event: domain, path
        cd: dir
        echo: prefix

        """)
  }

  @Test func `self-test finds what is wrong with a table`() {
    let handler: Command<Recorder>.Handler = { _, _ in true }
    let broken = Command(
      "a", summary: "x",
      options: [
        .list("l", "x"), .string("s", "x", positional: true), .string("r", "x", required: true),
        .bool("s", ""), .bool("help", "x"), .bool("-x", "x"), .alias("n", for: "nosuch"),
        .alias("v", for: "s", value: "1"), .bool("b", "x"), .alias("w", for: "b", value: "1"),
      ], handler: handler)
    let table = CommandTable(
      groups: [
        CommandGroup(
          name: "G", keyword: "g",
          commands: [broken, Command("a", summary: "", handler: handler)])
      ])
    #expect(
      table.problems == [
        "command 'a': option 'l' takes all words, and one after it takes some",
        "command 'a': option 'r' is required, those before it are not",
        "command 'a': option 's' is there twice",
        "command 'a': option 's' has no help",
        "command 'a': option 'help' has a name that cannot be typed",
        "command 'a': option '-x' has a name that cannot be typed",
        "command 'a': alias 'n' stands for 'nosuch', which it cannot",
        "command 'a': alias 'w' stands for 'b', which it cannot",
        "command 'a' is there twice",
        "command 'a' has no summary",
      ])
  }
}
