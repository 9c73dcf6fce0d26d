// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing

/// Sessions of the program beside those of the installed virsh, read from a pipe.
@Suite struct ParitySessionTests {
  private func compare(_ test: ParityCase) throws {
    let ours = try ShellRun(Program.path, test)
    let virsh = try ShellRun(ShellRun.virsh, test)
    #expect(ours == virsh)
  }

  @Test(arguments: [ParityLines.own, ParityLines.foreignInSession])
  func `lines`(lines: [String]) throws {
    try compare(.session(lines.map { "\($0)\n" }.joined()))
  }

  @Test(arguments: [["-q"], ["-t"], ["-r"], ["-qt"], ["-c", "test:///default"], ["-k", "0"]])
  func `options of the program`(options: [String]) throws {
    try compare(
      .session(
        options,
        """
        echo a
        echo b; echo c
        foo
        echo --na
        list
        list --all; domname 1
        dominfo
        help nosuch
        echo d; uri; echo --err e
        connect --readonly
        pwd
        """))
  }

  @Test(arguments: [
    ParityCase.session(""), .session("\n"), .session("\n\n"), .session("  \n;\n#\n"),
    .session("quit"), .session("quit\necho a\n"), .session("exit\n"), .session("echo a"),
    .session("echo a; quit; echo b\necho c\n"), .session("quit x\nquit --x\nexit\n"),
    .session("echo \"a\nb\"\n"), .session("echo 'a\nb'\n"), .session("echo a\\\nb\n"),
    .session("echo a\r\nfoo\r\n"), .session("list\r\n"), .session("echo \u{0B} \u{0C}\n"),
    .session(["-q"], "quit\n"), .session(["-c", "foo:///"], "echo a\n"),
    .session(["-l", "@DIR/log"], "foo\necho --err a\ndominfo nope\nlist --bogus\n"),
    .session(["-l", "@DIR/log", "-q"], "echo a; list --bogus\necho a; dominfo nope\n"),
    .session(["-d", "9"], "echo a\n"), .session(["-Z"], "echo a\n"),
    .session(["-k", "5"], "connect\nuri\necho a\n"),
  ])
  func `ends, broken lines and mistakes`(test: ParityCase) throws { try compare(test) }

  @Test func `the working directory holds for what follows`() throws {
    try compare(
      .session(
        """
        pwd
        cd /usr
        pwd
        cd ..
        pwd
        cd no
        cd ''
        pwd
        cd --dir /tmp
        pwd
        cd
        pwd
        cd /etc/passwd
        create no.xml
        cd /
        create no.xml; echo a; create no.xml
        """))
  }

  @Test func `the prompt, the URI and the mode follow connect`() throws {
    try compare(
      .session(
        ["-q"],
        """
        uri
        connect --readonly
        destroy test
        connect
        connect foo:///
        uri
        connect foo:/// --readonly
        connect test:///default
        uri; echo a; uri
        connect --readonly ''
        connect ''
        uri
        """))
  }

  @Test(arguments: ["foo:///", ""])
  func `without -c a bad URI is the failure of a command`(uri: String) throws {
    var test = ParityCase.session("echo a\nuri\nlist; echo b; list\nconnect\nuri\n")
    test.environment = [
      "VIRSH_DEFAULT_CONNECT_URI": uri, "LIBVIRT_DEFAULT_URI": "foo:///",
    ]
    try compare(test)
  }

  @Test(arguments: ["x", "-1", "500001", "", " 5", "5 ", "0", "0x5", "+5"])
  func `the size of the history`(size: String) throws {
    var test = ParityCase.session("echo a\nfoo\n")
    test.environment = ["VIRSH_HISTSIZE": size]
    try compare(test)
  }

  @Test(arguments: ["", "/usr", "/nonexistent"])
  func `the home directory`(home: String) throws {
    var test = ParityCase.session("cd\npwd\ncd --dir=\ncd ''; pwd\n")
    test.environment = ["HOME": home, "XDG_CACHE_HOME": "@DIR"]
    try compare(test)
  }
}
