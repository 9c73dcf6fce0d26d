// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct ShellTests {
  @Test func `a newline follows each command, whatever came of it`() {
    let shell = makeShell()
    #expect(shell.run(line: "fail; echo a; event"))
    #expect(shell.context.all == "before\n!<error: cannot do it\n>!<error: it is broken\n>\na\n\n")
  }

  @Test func `the last command decides`() {
    #expect(makeShell().run(line: "fail; echo a"))
    #expect(!makeShell().run(line: "echo a; fail"))
    #expect(makeShell().run(line: ""))
  }

  @Test func `quiet leaves out what is no result`() {
    let shell = makeShell { $0.isQuiet = true }
    #expect(!shell.run(line: "echo a; echo b; fail"))
    #expect(shell.context.out == "abbefore\n")
    #expect(shell.context.err == "error: cannot do it\nerror: it is broken\n")
  }

  @Test(arguments: [false, true])
  func `timing takes the place of the newline`(isQuiet: Bool) throws {
    let shell = makeShell {
      $0.isTimed = true
      $0.isQuiet = isQuiet
    }
    shell.run(line: "echo a; quit")
    let shape = /a\n\(Time: [0-9]+\.[0-9]{3} ms\)\n\n/
    #expect(try shape.wholeMatch(in: shell.context.out) != nil)
  }

  @Test(arguments: ["quit", "exit"])
  func `nothing follows quit`(word: String) {
    let shell = makeShell()
    #expect(shell.run(line: "echo a; \(word); echo b"))
    #expect(shell.context.out == "a\n")
    #expect(shell.isQuitting)
  }

  @Test func `the connection is made for commands that need it only`() {
    struct Refused: Error, CustomStringConvertible {
      let description = "failed to connect\nno route"
    }
    let shell = makeShell { shell in
      shell.connect = { shell in
        shell.context.notes.append("connect")
        throw Refused()
      }
    }
    #expect(!shell.run(line: "event; backup-begin d"))
    #expect(shell.context.notes == ["event", "connect"])
    #expect(shell.context.err == "error: failed to connect\nno route\n")
    #expect(shell.context.out == "\n\n")
  }

  @Test func `a session greets, goes on after mistakes and ends its last line`() {
    let shell = makeShell()
    var lines = ["echo hi", "", "nosuch", "quit", "echo no"][...]
    shell.interact(welcome: "Welcome") {
      shell.print("# ", terminator: "")
      return lines.popFirst()
    }
    #expect(shell.context.out == "Welcome\n# hi\n# # # \n")
    #expect(shell.context.err == "error: unknown command: 'nosuch'\n")
    #expect(lines == ["echo no"])
    #expect(shell.isInteractive)
  }

  @Test func `a session ends with its input, and does not greet when quiet`() {
    let shell = makeShell { $0.isQuiet = true }
    shell.interact(welcome: "Welcome") { nil }
    #expect(shell.context.out == "\n")
  }

  @Test func `names in messages move no cursor`() {
    let shell = makeShell()
    #expect(!shell.run(line: "\u{1B}[2J\u{9B}x"))
    #expect(shell.context.err == "error: unknown command: '\\x1b[2J\\xc2\\x9bx'\n")
    shell.printExtra("Domain '\r' forgotten")
    shell.printNotice("Restoring '\u{7}'")
    #expect(shell.context.out == "Domain '\\x0d' forgotten\n")
    #expect(shell.context.err.hasSuffix("Restoring '\\x07'\n"))
  }

  @Test func `an error with a reason has a line for each`() {
    let reason = ShellError(lines: ["b", "c"])
    #expect(ShellError("a", because: reason).lines == ["a", "b", "c"])
    #expect(ShellError.lines(of: UsageError("x")) == ["x"])
  }
}
