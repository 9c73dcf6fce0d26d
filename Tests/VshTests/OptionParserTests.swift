// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

@Suite struct OptionParserTests {
  /// What the commands of a line were given, joined by `; `.
  private func notes(_ line: String) throws -> String {
    let shell = makeShell()
    let steps = try shell.parse(line: line)
    #expect(shell.run(steps))
    #expect(shell.context.err == "")
    return shell.context.notes.joined(separator: "; ")
  }

  @Test(arguments: [
    ("backup-begin d", "backup-begin domain=d"),
    ("backup-begin d x y", "backup-begin domain=d backupxml=x checkpointxml=y"),
    ("backup-begin --backupxml x d y", "backup-begin backupxml=x domain=d checkpointxml=y"),
    ("backup-begin --domain=d x", "backup-begin domain=d backupxml=x"),
    ("backup-begin d --reuse-external x", "backup-begin domain=d reuse-external=- backupxml=x"),
    ("backup-begin --backupxml= d", "backup-begin backupxml= domain=d"),
    ("backup-begin --backupxml=a=b d", "backup-begin backupxml=a=b domain=d"),
    ("backup-begin --domain --help", "backup-begin domain=--help"),
    ("backup-begin --domain -- x", "backup-begin domain=-- backupxml=x"),
    ("backup-begin -- --reuse-external --", "backup-begin domain=--reuse-external backupxml=--"),
    ("backup-begin -x ---", "backup-begin domain=-x backupxml=---"),
    ("backup-begin --=v --_v", "backup-begin domain=--=v backupxml=--_v"),
    ("backup-begin --é", "backup-begin domain=--é"),
    ("backup-begin \"--domain\" '' 'a b'", "backup-begin domain= backupxml=a b"),
    ("setvcpus d 1", "setvcpus domain=d count=1"),
    ("setvcpus --count 1 d", "setvcpus count=1 domain=d"),
    ("monitor d a b", "monitor domain=d cmd=a cmd=b"),
    ("monitor d a --cmd b c --cmd=d", "monitor domain=d cmd=a cmd=b cmd=c cmd=d"),
    ("event --domain d", "event domain=d"),
    ("event; event --loop\nevent", "event; event loop=-; event"),
    ("\"#\" x y; event", "event"), ("\\# x\nevent", "event"),
    ("", ""), (" ; ;\n#x", ""),
  ])
  func `words are given to options`(line: String, expected: String) throws {
    #expect(try notes(line) == expected)
  }

  @Test(arguments: [
    ("nosuch", "unknown command: 'nosuch'"), ("EVENT", "unknown command: 'EVENT'"),
    ("even", "unknown command: 'even'"), ("'' x", "unknown command: ''"),
    ("event --na", "command 'event' doesn't support option --na"),
    ("event --na=1", "command 'event' doesn't support option --na"),
    ("event --Loop", "command 'event' doesn't support option --Loop"),
    ("event --loo", "command 'event' doesn't support option --loo"),
    ("event --loop --loop", "option --loop already seen"),
    ("backup-begin d --domain d", "option --domain already seen"),
    ("backup-begin --domain", "expected syntax: --domain <string>"),
    ("setvcpus d --count", "expected syntax: --count <number>"),
    ("event --path", "expected syntax: --path <file>"),
    ("event --loop=1", "invalid '=' after option --loop"),
    ("event --loop=", "invalid '=' after option --loop"),
    ("echo --hi=x", "invalid '=' after option --hi"),
    ("echo --str", "expected syntax: --string <string>"),
    ("event x", "unexpected data 'x'"), ("event -- --loop", "unexpected data '--loop'"),
    ("backup-begin a b c d", "unexpected data 'd'"),
    ("backup-begin", "command 'backup-begin' requires <domain> option"),
    ("setvcpus d", "command 'setvcpus' requires --count option"),
    (
      "setvcpus",
      "command 'setvcpus' requires <domain> option\ncommand 'setvcpus' requires --count option"
    ),
    ("monitor d", "command 'monitor' requires <cmd> option"),
    ("event; nosuch; event", "unknown command: 'nosuch'"),
    ("nosuch; echo \"a", "unknown command: 'nosuch'"),
    ("event --nosuch --help", "command 'event' doesn't support option --nosuch"),
    ("event --help --nosuch", "command 'event' doesn't support option --nosuch"),
    ("help --command", "expected syntax: --command <string>"),
    ("event \"x", "missing \""), ("event \\", "dangling \\"),
  ])
  func `mistakes are told, and nothing runs`(line: String, message: String) {
    let shell = makeShell()
    let error = #expect(throws: UsageError.self) { try shell.parse(line: line) }
    #expect(error?.description == message)
    #expect(!shell.run(line: line))
    let lines = message.split(separator: "\n").map { "error: \($0)\n" }
    #expect(shell.context.err == lines.joined())
    #expect(shell.context.out == "")
    #expect(shell.context.notes == [])
  }

  @Test func `help is content with anything`() {
    let shell = makeShell()
    #expect(shell.run(line: "help pwd --bogus=1 a b --command x"))
    #expect(shell.context.err == "error: option --command already seen\n")
    #expect(shell.context.out.hasPrefix("  NAME\n    pwd - "))
  }

  @Test(arguments: ["setvcpus --config --help", "setvcpus --help=x --help"])
  func `--help needs no required options, and has no value`(line: String) {
    let shell = makeShell()
    #expect(shell.run(line: line))
    #expect(shell.context.out.hasPrefix("  NAME\n    setvcpus - "))
    #expect(shell.context.notes == [])
  }

  @Test func `one word is a line, several are words`() throws {
    let shell = makeShell()
    #expect(shell.run(try shell.parse(commandWords: ["monitor 'a b' c"])))
    #expect(shell.run(try shell.parse(commandWords: ["monitor", "'a b'", ";", "event"])))
    #expect(
      shell.context.notes == ["monitor domain=a b cmd=c", "monitor domain='a b' cmd=; cmd=event"])
    #expect(try shell.parse(commandWords: ["#x", "event"]).isEmpty)
    let error = #expect(throws: UsageError.self) { try shell.parse(commandWords: [""]) }
    #expect(error?.lines == [])
    let unknown = #expect(throws: UsageError.self) {
      try shell.parse(commandWords: ["event;", "event"])
    }
    #expect(unknown?.lines == ["unknown command: 'event;'"])
  }

  @Test func `debug tells what was understood`() {
    let shell = makeShell { $0.debugLevel = .info }
    #expect(throws: UsageError.self) {
      try shell.parse(commandWords: ["event --loop --domain d; echo --hi --help; echo a --na"])
    }
    #expect(
      shell.context.err == """
        commands: "event --loop --domain d; echo --hi --help; echo a --na"
        event: loop(bool): (none)
        event: domain(optdata): d
        echo: string(optdata): hello
        echo: help(bool): (none)
        echo: string(optdata): a

        """)
  }
}
