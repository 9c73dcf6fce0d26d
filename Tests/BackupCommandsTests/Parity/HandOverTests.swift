// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// Commands that are virsh's.
@Suite struct HandOverTests {
  private static let everyOption = [
    "-c", "test:///default", "-r", "-q", "-t", "-d", "0", "-l", "@DIR/log", "-e", "^a", "-k", "0",
    "-K", "3",
  ]
  private static let commands: [[String]] = [
    ["list", "--all"], ["dominfo", "test"], ["start", "test"], ["destroy", "test"], ["pool-list"],
    ["pool-list", "--all", "--details"], ["dumpxml", "test"], ["nosuch", "x"], ["nosuch"],
  ]

  @Test(
    arguments: commands,
    [[], ["-q"], ["-rt"], everyOption])
  func `are virsh's with all options, as words and as a string`(
    command: [String], options: [String]
  ) throws {
    for words in [command, [command.joined(separator: " ")]] {
      let test = ParityCase(options: options, words: words)
      #expect(try ShellRun(Program.path, test) == ShellRun(ShellRun.virsh, test))
    }
  }

  @Test(arguments: [[], ["-q"], ["-r"], ["-t"], ["-e", "^a", "-k", "0", "-K", "3"]])
  func `are virsh's in a session`(options: [String]) throws {
    // Each in a session of its own: the test driver forgets what virsh did when that ends.
    for command in Self.commands {
      let test = ParityCase.session(options, command.joined(separator: " ") + "\n")
      #expect(try ShellRun(Program.path, test) == ShellRun(ShellRun.virsh, test))
    }
  }

  @Test(arguments: [
    ParityCase.words("list", "--all"), .string("list"), .string("echo a; list"),
    .string("list; echo a"), .words("foo", "--help"), .session(["-q"], "list\necho a; foo\n"),
  ])
  func `without a virsh they are unknown`(test: ParityCase) throws {
    let run = try ShellRun(Program.path, test, path: try VirshInPath().directory)
    let word = test.arguments.first?.contains("foo") == true ? "foo" : "list"
    if test.words.isEmpty {
      #expect(run.output == "virsh # list\nvirsh # echo a; foo\nvirsh # \n")
      #expect(run.errors == "error: unknown command: 'list'\nerror: unknown command: 'foo'\n")
      #expect(run.status == 0)
    } else {
      #expect(run.output == "")
      #expect(run.errors == "error: unknown command: '\(word)'\n")
      #expect(run.status == 1)
    }
  }

  @Test func `without a virsh nothing is said of its help`() throws {
    let path = try VirshInPath()
    let help = try ShellRun(Program.path, .string("help"), path: path.directory)
    #expect(help.output.hasPrefix("Grouped commands:\n\n Backup "))
    #expect(!help.output.contains("virsh help"))
    let unknown = try ShellRun(Program.path, .words("help", "start"), path: path.directory)
    #expect(unknown.errors == "error: command or command group 'start' doesn't exist\n")
    let words = ParityCase.words("complete", "--", "li")
    #expect(try ShellRun(Program.path, words, path: path.directory).output == "\n")
  }

  @Test func `help shows our groups, and says where the rest is`() throws {
    let help = try ShellRun(Program.path, .string("help")).output
    #expect(help.contains("\n Backup (help keyword 'backup'):\n    backup-create "))
    #expect(help.contains("see 'virsh help'"))
    let group = try ShellRun(Program.path, .string("help backup")).output
    let names = group.split(separator: "\n").dropFirst().compactMap {
      $0.split(separator: " ").first
    }
    #expect(names.first == "backup-create")
    #expect(names.suffix(2) == ["backup-begin", "backup-dumpxml"])
  }

  // MARK: - What arrives

  private static let words = [
    "dominfo", "a b", "", "it's", "\"", "\\", "#x", ";", "--help", "--", "-q", "a\nb", "$HOME", "é",
  ]

  @Test func `words from a shell arrive unchanged`() throws {
    let path = try VirshInPath.noting()
    let test = ParityCase(options: ["-q", "-k", "0x5"], words: Self.words)
    #expect(try ShellRun(Program.path, test, path: path.path).status == 0)
    #expect(path.calls.count == 1)
    let brackets = Self.words.map { "[\($0)]" }.joined()
    #expect(path.calls.first?.hasPrefix("[-q][-k][5][--]\(brackets)/") == true, "\(path.calls)")
  }

  @Test func `words of a line arrive unchanged, and a line of virsh's alone as it is`() throws {
    let path = try VirshInPath.noting()
    let test = ParityCase.session(
      ["-r"],
      #"""
      dominfo 'a b' "" "it's" '"' "\\" '#x' \; --help -- -q $HOME é # c
      list
      'x-y'
      list --all ; # a
      list ; dominfo 'a  b'
      connect test:///default
      cd /
      echo a; dominfo 'a b' '' "it's"; list; echo b; -x
      """#)
    #expect(try ShellRun(Program.path, test, path: path.path).status == 0)
    let expected = [
      #"[-r][--][dominfo][a b][][it's]["][\][#x][;][--help][--][-q][$HOME][é]"#,
      "[-r][--][list][--]",
      "[-r][--][x-y][--]", "[-r][--][list][--all]", "[-r][--][list ; dominfo 'a  b']",
      #"[--][dominfo 'a b' '' 'it'\''s'; list; -x; '']/"#,
      #"[--][dominfo 'a b' '' 'it'\''s'; list]/"#, "[--][-x][--]/",
    ]
    #expect(path.calls.count == expected.count, "\(path.calls)")
    for (call, start) in zip(path.calls, expected) {
      #expect(call.hasPrefix(start), "\(call)")
    }
    #expect(path.calls.last == "[--][-x][--]/")
  }

  // MARK: - Ourselves under the name of virsh

  @Test(arguments: VirshInPath.Kind.allCases)
  func `a virsh that is this program is passed over`(kind: VirshInPath.Kind) throws {
    let first = try VirshInPath(kind)
    let second = try VirshInPath(.script)
    let path = "\(first.directory):\(second.path)"
    for test in [
      ParityCase.words("list", "--all"), .string("list; list --name"), .string("echo a; list"),
      .string("echo a; list --na"), .words("nosuch", "x"), .session(["-q"], "list\necho b; uri\n"),
      .words("help", "start"),
    ] {
      let virsh = try ShellRun(ShellRun.virsh, test)
      #expect(try ShellRun(Program.path, test, path: path) == virsh)
      #expect(try ShellRun(first.virsh, test, path: path) == virsh)
    }
    #expect(first.calls.count + second.calls.count < 60)
  }

  @Test func `a virsh that is only a wrapper of the real one is used`() throws {
    let path = try VirshInPath(script: "PATH=${PATH#*:} exec virsh \"$@\"")
    let test = ParityCase.string("echo a; list --all")
    let run = try ShellRun(Program.path, test, path: path.path)
    #expect(run == (try ShellRun(ShellRun.virsh, test)))
    #expect(path.calls.count == 2)
  }

  @Test func `a directory or a file that cannot be run is no virsh`() throws {
    let path = try VirshInPath()
    try FileManager.default.createDirectory(atPath: path.virsh, withIntermediateDirectories: false)
    let other = try VirshInPath(script: "exit 7")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: other.virsh)
    let test = ParityCase.words("list", "--all")
    let run = try ShellRun(Program.path, test, path: "\(path.directory):\(other.path)")
    #expect(run == (try ShellRun(ShellRun.virsh, test)))
  }

  @Test(arguments: ["edit test", "echo a; edit test"])
  func `an editor that virsh starts may use this program`(line: String) throws {
    let path = try VirshInPath(.script)
    try VirshInPath.write(
      """
      #!/bin/sh
      '\(Program.path)' list --name >'\(path.directory)/first'
      '\(Program.path)' 'echo a; list --name' >'\(path.directory)/second'
      """, to: "\(path.directory)/editor")
    var test = ParityCase.string(line)
    test.environment = ["VISUAL": "\(path.directory)/editor"]
    // Also by way of a script: the real virsh is behind it.
    for search in [nil, path.path] {
      let run = try ShellRun(Program.path, test, path: search)
      #expect(run.output.hasSuffix("Domain 'test' XML configuration not changed.\n\n"))
      for (file, text) in [("first", "test\n\n"), ("second", "a\ntest\n\n")] {
        let found = FileManager.default.contents(atPath: "\(path.directory)/\(file)")
        #expect(found == Data(text.utf8))
        try FileManager.default.removeItem(atPath: "\(path.directory)/\(file)")
      }
    }
  }
}
