// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

/// Tests that all that reads a command's rules minds them: shell, completion, `help`, `self-test`.
@Suite struct OptionRuleTests {
  private static let rules: [OptionRule] = [
    .excludes("a", "b", "c"), .excludes("d", "a", "e", wording: .short), .requires("c", "e"),
    .requires("b", "f", wording: .short),
  ]

  private func makeCommand(
    description: String = "", rules: [OptionRule] = rules, needsConnection: Bool = false
  ) -> Command<Recorder> {
    Command(
      "c", summary: "s", description: description,
      options: ["a", "b", "c", "d", "e"].map { .bool($0, "x") }
        + [.string("f", "x", positional: true) { _, _ in ["file"] }],
      rules: rules, needsConnection: needsConnection
    ) { shell, _ in
      shell.context.notes.append("ran")
      return true
    }
  }

  private func makeShell(_ command: Command<Recorder>) -> Shell<Recorder> {
    let recorder = Recorder()
    return Shell(
      programName: "p",
      table: CommandTable(groups: [CommandGroup(name: "G", keyword: "g", commands: [command])]),
      context: recorder, output: recorder.output)
  }

  @Test(arguments: [
    ("--b --a", "Options --a and --b are mutually exclusive"),
    ("--c --a", "Options --a and --c are mutually exclusive"),
    ("--c --b --a", "Options --a and --b are mutually exclusive"),
    ("--a --d", "--a and --d are mutually exclusive"),
    ("--d --e", "--e and --d are mutually exclusive"),
    ("--c", "Option --e is required by option --c"), ("--b", "--b requires --f"),
    // Of several the first in the table is told.
    ("--d --c --a --b", "Options --a and --b are mutually exclusive"),
    ("--b --c", "Option --e is required by option --c"),
  ])
  func `a broken rule is told in virsh's words, and nothing is run`(line: String, error: String) {
    let shell = makeShell(makeCommand())
    #expect(!shell.run(line: "c \(line)"))
    #expect(shell.context.err == "error: \(error)\n")
    #expect(shell.context.notes == [])
  }

  @Test(arguments: ["", "--a", "--a --e", "--b word", "--f x --b", "--c --e", "--b --c --e x"])
  func `what goes together is run`(line: String) {
    let shell = makeShell(makeCommand())
    #expect(shell.run(line: "c \(line)"), "\(shell.context.err)")
    #expect(shell.context.notes == ["ran"])
  }

  @Test func `rules are looked at after the connection is made, and the next command runs`() {
    let shell = makeShell(makeCommand(needsConnection: true))
    shell.connect = { $0.context.notes.append("connected") }
    #expect(shell.run(line: "c --a --b; c"))
    #expect(shell.context.notes == ["connected", "connected", "ran"])
  }

  @Test(arguments: [
    ("c --", ["--a", "--b", "--c", "--d", "--e", "--f"]), ("c --a --", ["--e", "--f"]),
    ("c --b --", ["--c", "--d", "--e", "--f"]), ("c --e --", ["--a", "--b", "--c", "--f"]),
    ("c --d --", ["--b", "--c", "--f"]),
  ])
  func `completion offers nothing that is excluded`(line: String, expected: [String]) {
    #expect(makeShell(makeCommand()).completions(line: line) == expected)
  }

  @Test func `completion offers no values of an option that is excluded`() {
    #expect(makeShell(makeCommand()).completions(line: "c --a fi") == ["file"])
    let shell = makeShell(makeCommand(rules: [.excludes("a", "f")]))
    #expect(shell.completions(line: "c --b fi") == ["file"])
    #expect(shell.completions(line: "c --a fi") == [])
  }

  @Test func `help has a sentence for each option and kind of rule`() {
    let command = makeCommand(rules: Self.rules + [.excludes("a", "e")])
    let sentences = [
      "--a excludes --b, --c and --e.", "--d excludes --a and --e.", "--c requires --e.",
      "--b requires --f.",
    ]
    #expect(command.ruleSentences == sentences)
    let lines = sentences.map { "    \($0)\n" }.joined()
    #expect(command.helpText.contains("\n\n  DESCRIPTION\n\(lines)\n  OPTIONS\n"))
    let described = makeCommand(description: "Does it.")
    #expect(described.helpText.contains("  DESCRIPTION\n    Does it.\n    --a excludes "))
    #expect(!makeCommand(rules: []).helpText.contains("DESCRIPTION"))
  }

  @Test func `a rule that is not announced is kept, and no more`() {
    let command = makeCommand(rules: [OptionRule.excludes("a", "b").unannounced])
    let shell = makeShell(command)
    #expect(command.ruleSentences == [])
    #expect(shell.completions(line: "c --a --") == ["--b", "--c", "--d", "--e", "--f"])
    #expect(!shell.run(line: "c --a --b"))
    #expect(shell.context.err == "error: Options --a and --b are mutually exclusive\n")
    let wrong = makeCommand(rules: [OptionRule.excludes("a", "nosuch").unannounced])
    #expect(makeShell(wrong).table.problems.count == 1)
  }

  @Test func `self-test finds rules that cannot be meant`() {
    let rules: [OptionRule] = [
      .excludes("a", "nosuch"), .requires("gone", "a"), .excludes("b", "b"), .excludes("a", "c"),
      .excludes("c", "d", "a"), .requires("d", "c"),
    ]
    let table = makeShell(makeCommand(rules: rules)).table
    #expect(
      table.problems == [
        "command 'c': 'a' excludes 'nosuch', and there is no option 'nosuch'",
        "command 'c': 'gone' requires 'a', and there is no option 'gone'",
        "command 'c': 'b' excludes 'b', which is itself",
        "command 'c': 'c' excludes 'a', which a rule says already",
        "command 'c': 'd' both requires and excludes 'c'",
      ])
    #expect(makeShell(makeCommand()).table.problems == [])
  }
}
