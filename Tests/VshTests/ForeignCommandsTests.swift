// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct ForeignCommandsTests {
  /// A program that knows `list` and `dominfo`, and for which `--bad` is a mistake.
  private func makeShellWithForeign() -> Shell<Recorder> {
    makeShell { shell in
      shell.foreign = ForeignCommands(
        accept: { (_, words) throws(UsageError) in
          guard ["list", "dominfo"].contains(words[0]) else { return nil }
          if words.contains("--bad") {
            throw UsageError("command '\(words[0])' doesn't support option --bad")
          }
          return { shell in
            shell.context.notes.append(words.joined(separator: "|"))
            shell.print("foreign\n")
            return words[0] == "list"
          }
        },
        help: { shell, topic in
          guard topic == "list" else { return nil }
          shell.print("help of list")
          return true
        },
        complete: { _, words in
          words.count == 1
            ? ["list", "pwd"].filter { $0.hasPrefix(words[0]) } : ["--all of \(words[0])"]
        })
    }
  }

  @Test func `foreign commands run in their turn, with all their words`() {
    let shell = makeShellWithForeign()
    #expect(shell.run(line: "echo a; list --all 'b c' # x\n list"))
    #expect(shell.context.notes == ["list|--all|b c", "list"])
    #expect(shell.context.all == "a\n!foreign\n\n!foreign\n\n")
    #expect(!shell.run(line: "dominfo x"))
  }

  @Test(arguments: [
    ("echo a; list --bad", "command 'list' doesn't support option --bad"),
    ("list; nosuch x", "unknown command: 'nosuch'"),
    ("list \"x", "missing \""), ("list; echo --na", "command 'echo' doesn't support option --na"),
  ])
  func `a mistake anywhere stops the line before it begins`(line: String, message: String) {
    let shell = makeShellWithForeign()
    #expect(!shell.run(line: line))
    #expect(shell.context.err == "error: \(message)\n")
    #expect(shell.context.out == "")
    #expect(shell.context.notes == [])
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
  }
}
