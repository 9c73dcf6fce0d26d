// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Vsh

@Suite struct HelpTests {
  private func help(_ line: String) -> String {
    let shell = makeShell()
    #expect(shell.run(line: line))
    #expect(shell.context.err == "")
    return shell.context.out
  }

  @Test func `a command with a description and options`() {
    #expect(
      help("help backup-begin") == """
          NAME
            backup-begin - start a backup

          SYNOPSIS
            backup-begin <domain> [--backupxml <string>] [--checkpointxml <string>] [--reuse-external]

          DESCRIPTION
            Starts a backup.

          OPTIONS
            [--domain] <string>  domain name, id or uuid
            --backupxml <string>  backup XML
            --checkpointxml <string>  checkpoint XML
            --reuse-external  reuse files



        """)
  }

  @Test func `a command without either`() {
    #expect(
      help("help fail") == """
          NAME
            fail - fail

          SYNOPSIS
            fail



        """)
  }

  @Test(arguments: [
    ("help", "help [--command <string>]"),
    ("echo", "echo [--shell] [--xml] [--split] [--err] [<string>]..."),
    ("setvcpus", "setvcpus <domain> <count> [--config]"),
    ("monitor", "monitor <domain> {[--cmd] <string>}..."), ("complete", "complete [<string>]..."),
    (
      "event",
      "event [--domain <string>] [--type <string>] [--timeout <number>] [--loop] [--path <file>]"
    ),
  ])
  func `synopsis`(name: String, expected: String) {
    #expect(makeShell().table.command(named: name)?.synopsis == expected)
  }

  @Test func `synopses of lists and of required options that must be named`() {
    let handler: Command<Recorder>.Handler = { _, _ in true }
    let optional = Command(
      "a", summary: "", options: [.string("domain", "", required: true), .list("spec", "")],
      handler: handler)
    #expect(optional.synopsis == "a <domain> [[--spec] <string>]...")
    let required = Command(
      "b", summary: "", options: [.list("spec", "", required: true, placeholder: "disk")],
      handler: handler)
    #expect(required.synopsis == "b <spec>...")
    let named = Command(
      "c", summary: "", options: [.string("port", "", required: true, positional: false)],
      handler: handler)
    #expect(named.synopsis == "c --port <string>")
  }

  @Test(arguments: [
    ("[--domain] <string>  domain", "monitor"), ("    [--cmd] <string>  words\n", "monitor"),
    ("    [--count] <number>  the number\n", "setvcpus"),
    ("    --config         at next start\n", "setvcpus"),
    ("    <string>         the words\n", "echo"), ("    --timeout <number>  seconds\n", "event"),
    ("    --path <file>    where\n", "event"),
  ])
  func `lines of options`(line: String, name: String) {
    #expect(help("help \(name)").contains(line))
  }

  @Test(arguments: ["help backup", "help Backup", "help --command backup"])
  func `a group by its heading or keyword`(line: String) {
    #expect(
      help(line) == """
         Backup (help keyword 'backup'):
            backup-begin                   start a backup
            setvcpus                       change the number of processors
            monitor                        send a command
            event                          wait for events
            fail                           fail


        """)
  }

  @Test(arguments: ["help", "help ''"])
  func `all groups`(line: String) {
    let text = help(line)
    #expect(text.hasPrefix("Grouped commands:\n\n Backup (help keyword 'backup'):\n"))
    #expect(text.contains("fail\n\n Virsh itself (help keyword 'virsh'):\n    cd       "))
    #expect(text.hasSuffix("quit                           leave the shell\n\n\n"))
    #expect(!text.contains("complete"))
  }

  @Test func `hidden commands have help`() {
    #expect(help("help self-test").contains("self-test [--completers-missing]"))
    #expect(help("help help").hasPrefix("  NAME\n    help - "))
  }

  @Test func `what does not exist`() {
    let shell = makeShell()
    #expect(!shell.run(line: "help nosuch"))
    #expect(shell.context.err == "error: command or command group 'nosuch' doesn't exist\n")
  }

  @Test func `the program's usage`() {
    let lines = makeShell().usageText.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == "")
    #expect(lines[1] == "virsh-backup [options]... [<command_string>]")
    #expect(lines[2] == "virsh-backup [options]... <command> [args...]")
    #expect(lines[4] == "  options:")
    #expect(lines[5].hasPrefix("    -c | --connect=URI      "))
    #expect(lines.contains(" Backup (help keyword 'backup')"))
    let start = lines.firstIndex(of: "  commands (non interactive mode):") ?? 0
    #expect(lines[start + 1] == "")
    #expect(lines[start + 2] == " Backup (help keyword 'backup')")
    #expect(
      lines.suffix(6) == [
        "", "  (help <group> lists the commands of a group)", "",
        "  (help <command> explains a command)", "", "",
      ])
  }
}
