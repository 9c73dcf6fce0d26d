// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct CompletionTests {
  private static let beginOptions = [
    "--domain", "--backupxml", "--checkpointxml", "--reuse-external",
  ]

  @Test(arguments: [
    (["back"], ["backup-begin"]), (["backup-begin"], ["backup-begin"]),
    (["e"], ["event", "echo", "exit"]),
    (["quit"], ["quit"]), (["x"], []), (["comp"], []), (["backup-st"], []),
    (["nosuch", "e"], ["event", "echo", "exit"]), (["echo", "a;", "ec"], ["echo"]),
    (["echo", "x", ";", "qui"], ["quit"]), (["nosuch", ";", "ec"], ["echo"]),
    (["echo", "a", "#", "b"], ["backup-begin"]),
  ])
  func `commands`(words: [String], expected: [String]) {
    #expect(makeShell().completions(words: words) == expected)
  }

  @Test(arguments: [[], [""], ["nosuch", ""], ["echo a;", ""]])
  func `all commands but the hidden ones`(words: [String]) {
    let names = makeShell().completions(words: words)
    #expect(names.count == 11)
    #expect(names.first == "backup-begin")
    #expect(!names.contains("self-test"))
  }

  @Test(arguments: [
    (["backup-begin", ""], beginOptions), (["backup-begin", "--"], beginOptions),
    (["backup-begin", "--dom"], ["--domain"]), (["backup-begin", "--domain"], []),
    (["backup-begin", "-"], []), (["backup-begin", "--domain="], []),
    (["backup-begin", "--domain=te"], []),
    (["backup-begin", "--domain=test", ""], Array(beginOptions.dropFirst())),
    (["backup-begin", "test", ""], Array(beginOptions.dropFirst())),
    (["backup-begin", "test", "--ba"], ["--backupxml"]),
    (["backup-begin", "--reuse-external"], []),
    (["backup-begin", "--reuse-external", "--"], Array(beginOptions.dropLast())),
    (["backup-begin", "--bogus", ""], beginOptions), (["backup-begin", "--bogus", "te"], []),
    (["backup-begin", "test", "x", ""], ["--checkpointxml", "--reuse-external"]),
    (["backup-begin", "test", "x", "y", "z"], []), (["backup-begin", "--", ""], beginOptions),
    (["backup-begin", "--", "--"], []), (["event", "--loop", "--l"], []),
    (["monitor", "test", "a", "--"], ["--cmd"]),
    (["monitor", "--cmd", "a", "--"], ["--domain", "--cmd"]),
    (["echo", "--"], ["--shell", "--xml", "--split", "--err", "--string"]),
    (["echo", "--hi", "--s"], ["--shell", "--split", "--string"]), (["quit", ""], []),
    (["event", "--help", ""], []), (["complete", ""], ["--string"]),
  ])
  func `options`(words: [String], expected: [String]) {
    #expect(makeShell().completions(words: words) == expected)
  }

  @Test(arguments: [
    (["backup-begin", "t"], ["test"]), (["backup-begin", "--", "te"], ["test"]),
    (["backup-begin", "--domain", "t"], ["test"]),
    (["backup-begin", "--domain", "--"], []), (["backup-begin", "test", "t"], []),
    (["backup-begin", "--backupxml", ""], []),
    (["backup-begin", "--reuse-external", "o"], ["other"]),
    (["setvcpus", "--count", "1", "t"], ["test"]), (["setvcpus", "test", "--count", ""], []),
    (["help", "back"], ["backup-begin"]), (["help", "--command", "pw"], ["pwd"]),
    (["event", "t"], []), (["event", "--type", "d"], ["dir", "disk"]),
    (["backup-begin", "w"], ["web\\ 1", "web@2"]), (["backup-begin", "web\\ "], ["web\\ 1"]),
    (["backup-begin", "\"web "], ["web 1"]), (["backup-begin", "'web "], ["web 1"]),
    (["backup-begin", "te\\"], ["test"]), (["backup-begin", "\"t"], ["test"]),
  ])
  func `values`(words: [String], expected: [String]) {
    #expect(makeShell().completions(words: words) == expected)
  }

  @Test func `completers know what was given before`() {
    let command = Command<Recorder>(
      "c", summary: "",
      options: [
        .string("domain", "", required: true),
        .string(
          "name", "", completer: { _, request in ["\(request.arguments.raw("domain") ?? "")1"] }),
      ], handler: { _, _ in true })
    let recorder = Recorder()
    let shell = Shell(
      programName: "p",
      table: CommandTable(groups: [CommandGroup(name: "G", keyword: "g", commands: [command])]),
      context: recorder, output: recorder.output)
    #expect(shell.completions(line: "c web --name ") == ["web1"])
    #expect(shell.completions(line: "c --name w") == [])
  }

  @Test func `completers know what stands behind the cursor`() {
    let command = Command<Recorder>(
      "c", summary: "",
      options: [
        .string("name", "", completer: { _, request in [request.arguments.raw("pool") ?? "none"] }),
        .string("pool", ""),
      ], handler: { _, _ in true })
    let recorder = Recorder()
    let shell = Shell(
      programName: "p",
      table: CommandTable(groups: [CommandGroup(name: "G", keyword: "g", commands: [command])]),
      context: recorder, output: recorder.output)
    func completions(_ line: String, _ rest: String) -> [String] {
      shell.completions(line: line, wordStart: line.utf8.count, rest: rest)
    }
    #expect(completions("c --name ", "") == ["none"])
    #expect(completions("c --name ", " --pool a") == ["a"])
    #expect(completions("c --name ", "rest --nothing --pool=a; c --pool b") == ["a"])
    #expect(completions("c --name \"", "x y\" --pool a") == ["a"])
    #expect(completions("c --name ", "; c --pool b") == ["none"])
    #expect(completions("c --pool b --name ", " --pool a") == ["b"])
  }

  @Test(arguments: [
    ("", [], "", false), ("a", [], "a", false), ("a ", ["a"], "", false),
    ("a b; c 'd e", ["c"], "d e", true), ("a \"b", ["a"], "b", true),
    ("a 'b'", ["a"], "b", false), ("a b\\", ["a"], "b", false), ("a # b", [], "b", false),
    ("a\nb c", ["b"], "c", false), ("a;", [], "", false),
  ])
  func `the line is taken apart up to the cursor`(
    line: String, words: [String], word: String, isQuoted: Bool
  ) {
    let cursor = CommandLineCursor(line: line)
    #expect(cursor.words == words)
    #expect(cursor.word == word)
    #expect(cursor.isQuoted == isQuoted)
  }
}
