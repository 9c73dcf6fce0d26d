// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct ForeignCommandsTests {
  /// A program that knows `list` and `dominfo`, for which `--bad` is a mistake, and which fails to
  /// run at all for `dominfo crash`.
  private func makeShellWithForeign() -> Shell<Recorder> {
    makeShell { shell in
      shell.foreign = ForeignCommands(
        check: { (shell, commands, isCutShort) throws(UsageError) in
          shell.context.notes.append("check \(commands.count)\(isCutShort ? "-" : "")")
          for words in commands {
            guard ["list", "dominfo"].contains(words[0]) else {
              throw UsageError("unknown command: '\(words[0])'")
            }
            if words.contains("--bad") {
              throw UsageError("command '\(words[0])' doesn't support option --bad")
            }
          }
        },
        run: { shell, input in
          switch input {
          case .line(let line):
            shell.context.notes.append("line \(line)")
          case .commands(let commands):
            shell.context.notes += commands.map { $0.joined(separator: "|") }
            if commands == [["dominfo", "crash"]] { throw ShellError("it crashed") }
          }
          shell.print("foreign\n")
          return true
        },
        help: { shell, topic in
          guard topic == "list" else { return nil }
          shell.print("help of list")
          return true
        },
        groupLines: { _, keyword in ["    backup-\(keyword) a", "    event   b"] },
        complete: { _, words in
          words.count == 1
            ? ["list", "pwd"].filter { $0.hasPrefix(words[0]) } : ["--all of \(words[0])"]
        })
    }
  }

  @Test func `between ours they run in their turn, with all their words, neighbours together`() {
    let shell = makeShellWithForeign()
    #expect(shell.run(line: "echo a; list --all 'b c' # x\n list; echo b; dominfo ''"))
    #expect(shell.context.notes == ["check 3", "list|--all|b c", "list", "dominfo|"])
    #expect(shell.context.all == "a\n!foreign\n\nb\n!foreign\n\n")
  }

  @Test func `alone they are handed over unchecked, several as they were typed`() {
    let shell = makeShellWithForeign()
    #expect(shell.run(line: " list --bad  'x y'; # z"))
    #expect(shell.run(line: "list ; nosuch 'x"))
    #expect(shell.run(line: "list \"x"))
    #expect(shell.context.notes == ["list|--bad|x y", "line list ; nosuch 'x", "line list \"x"])
  }

  @Test(arguments: [
    (["list"], true), (["nosuch x; list"], true), (["list; echo"], false), (["echo; list"], false),
    (["# list"], false), ([";"], false), ([""], false), (["list", "echo"], true),
    (["echo", "list"], false), (["list \"x; echo"], true), (["\"list"], false),
    (["#", "list"], false), (["list ; echo", "x"], true),
  ])
  func `what the program was given may be foreign as a whole`(words: [String], expected: Bool) {
    #expect(makeShellWithForeign().isForeign(commandWords: words) == expected)
    #expect(!makeShell().isForeign(commandWords: words))
  }

  @Test func `words from a shell are one command`() throws {
    let shell = makeShellWithForeign()
    #expect(shell.run(try shell.parse(commandWords: ["list", ";", "echo", "#x"])))
    #expect(shell.context.notes == ["list|;|echo|#x"])
  }

  @Test func `where they cannot be run the shell says why, and ends the command`() {
    let shell = makeShellWithForeign()
    #expect(!shell.run(line: "dominfo crash"))
    #expect(shell.context.all == "!!<error: it crashed\n>\n")
  }

  @Test(arguments: [
    ("echo a; list --bad", "command 'list' doesn't support option --bad", "check 1"),
    ("echo; list; nosuch x", "unknown command: 'nosuch'", "check 2"),
    ("echo; list \"x", "missing \"", "check 1-"),
    ("echo; list --bad \\", "command 'list' doesn't support option --bad", "check 1-"),
    ("list; echo --na", "command 'echo' doesn't support option --na", "check 1"),
    ("list --bad; echo --na", "command 'list' doesn't support option --bad", "check 1"),
    ("echo --na; list --bad", "command 'echo' doesn't support option --na", nil),
  ])
  func `a mistake anywhere stops the line before it begins`(
    line: String, message: String, check: String?
  ) {
    let shell = makeShellWithForeign()
    #expect(!shell.run(line: line))
    #expect(shell.context.err == "error: \(message)\n")
    #expect(shell.context.out == "")
    #expect(shell.context.notes == (check.map { [$0] } ?? []))
  }

  @Test func `foreign commands have help and completion`() {
    let shell = makeShellWithForeign()
    #expect(shell.run(line: "help list"))
    #expect(shell.context.out == "help of list\n\n")
    #expect(!shell.run(line: "help nosuch"))
    #expect(shell.completions(line: "li") == ["list"])
    #expect(shell.completions(line: "pw") == ["pwd"])
    #expect(shell.completions(line: "echo; list ") == ["--all\\ of\\ list"])
    #expect(shell.completions(line: "help li") == ["list"])
    #expect(shell.completions(line: "help pw") == ["pwd"])
  }

  @Test func `a group has the foreign commands after ours`() {
    let shell = makeShellWithForeign()
    #expect(shell.run(line: "help backup"))
    #expect(shell.context.out.hasSuffix("\n    backup-backup a\n\n"))
    #expect(!shell.context.out.contains("    event   b"))
  }
}
