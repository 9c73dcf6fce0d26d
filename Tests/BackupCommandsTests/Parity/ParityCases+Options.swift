// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Cases of the command line's words and of the program's options.
enum ParityOptions {
  /// Words are tokens as they are.
  static let words: [ParityCase] = [
    .words("echo", "a", ";", "echo", "b"), .words("echo a;", "echo b"), .words("#x", "echo"),
    .words("echo", "a b", "it's", "\"q\"", "\\", "#x"), .words("echo", "a\nb"), .words("echo", ""),
    .words("", "x"), .words("#", "a"), .words("echo", "--", "--shell"), .words("-", "x"),
    .words("echo", "--shell", "a b", "$x"), .words("echo", "--string", "--help"),
    .words("echo", "-q"), .words("echo", "--xml", "<"), .words("echo", "--na", "x"),
    .words("help", "nosuch;"), .words("complete", "--", "ec"), .words("connect", "", "--readonly"),
    .words("complete", "--", "echo a", "x"), .words("complete", "--", "echo", "a", ";", "ech"),
    .words("list", "--all"), .words("list", "--name", "--all"), .words("dominfo", "a b'c"),
    .words("dominfo", ";"), .words("dominfo", "#x"), .words("dominfo", "--", "--help"),
    .words("dominfo", "--domain", "--help"), .words("dominfo", ""), .words("domname", "1;2"),
    .words("foo", "bar"), .words("foo", "--help"), .words("list", "--na"), .words("list", "x"),
    .words("start", "test"), .words("destroy", "test"), .words("pool-list", "--all"),
    .words("complete", "--", "dominfo", ""), .words("complete", "--", "list", "--na"),
    .words("help", "start"), .words("start", "--help"), .words("list ", "--all"),
    .words(""), .words(" "), .words("\t\n"), .words("echo a\necho b"), .words("echo a\\\nb"),
    .words("echo \"a\\\nb\""), .words("echo 'a\nb'"), .words("echo a # b ; c\necho d"),
    .words("echo a\r\necho b"), .words("\recho a"), .words("list;\n# x\nlist --name\n"),
    .words("list\\\n --name"), .words("echo a; dominfo 'a\nb'; echo --na"),
  ]

  /// Options before them.
  static let options: [ParityCase] = [
    .options(["-q"], "echo a; echo b"), .options(["-q"], "pwd"), .options(["-q"], "echo --err a"),
    .options(["-q"], "list"), .options(["--quiet"], "list", "--all"), .options(["--qu"], "echo a"),
    .options(["-q"], "dominfo nope; list --name"), .options(["-q"], "list; echo a; list"),
    .options(["-t"], "echo hi"), .options(["-t"], "echo hi; pwd"), .options(["-qt"], "echo hi"),
    .options(["-tq"], "help nosuch; echo a"), .options(["-t"], "quit"), .options(["-t"], "foo"),
    .options(["-t"], "echo a; quit; echo b"), .options(["-t"], "echo --na"),
    .options(["--timing"], "list; echo a; list"), .options(["-qrt"], "list"),
    .options(["-t"], "complete", "--", "ech"), .options(["-q"], "complete", "--", "dominfo", ""),
    .options(["--"], "echo", "a"), .options(["--"], "list"), .options(["--"], "--help"),
    .options(["-q", "--"], "-x", "y"), .options(["--", "--"], "echo"),
    .options(["-c", "test:///default"], "uri"), .options(["-ctest:///default"], "uri"),
    .options(["--connect=test:///default"], "uri; echo a"),
    .options(["--conn", "test:///default"], "echo a; uri"),
    .options(["-c", "foo:///x"], "echo", "hi"), .options(["-c", "foo:///x"], "nosuch"),
    .options(["-c", "foo:///x"], "list"), .options(["-c", "foo:///x"], "echo a; list"),
    .options(["-c", "foo:///x"], "echo a; dominfo"), .options(["-c", ""], "uri"),
    .options(["-c", "foo:///x", "-c", "test:///default"], "uri"), .options(["-cq"], "echo"),
    .options(["-c", "foo:///"], "complete", "--", "ech"), .options(["-c", "foo"], "quit"),
    .options(["-r"], "uri"), .options(["-r"], "destroy test"),
    .options(["--readonly"], "start test"),
    .options(["-r"], "echo a; destroy test"), .options(["-r"], "connect; destroy test"),
    .options(["-r"], "connect test:///default; destroy test"),
    .options(["-d", "7"], "echo", "a"), .options(["-d", "-1"], "list --name"),
    .options(["-d", "x"], "echo"), .options(["-d=3"], "echo"), .options(["--debug", "x"], "echo"),
    .options(["--debug=0x1"], "echo"), .options(["-d", "9"], "foo"),
    .options(["-d", "2"], "echo a"),
    .options(["-d3"], "list"), .options(["-d", "5", "-d", "9"], "echo"),
    .options(["-e", "abc"], "echo"), .options(["-e", ""], "echo"), .options(["-e", "^"], "echo"),
    .options(["-e", "^1"], "echo"), .options(["-e", "é"], "echo"),
    .options(["-e", "^a"], "echo a"),
    .options(["--escape", "x"], "list --name"), .options(["-e", "^["], "list --name; echo"),
    .options(["-k", "x"], "echo"), .options(["-k", "-3"], "echo"), .options(["-k", ""], "echo"),
    .options(["--keepalive-interval=x"], "echo"), .options(["--keepalive-count", "-1"], "echo"),
    .options(["-K", "x"], "echo"), .options(["-k", "08"], "echo"), .options(["-k", "5 "], "echo"),
    .options(["-k", "0x10"], "echo", "a"), .options(["-k", " 5"], "echo"),
    .options(["-k", "99999999999"], "echo"), .options(["-k", "5"], "uri"),
    .options(["-k", "5"], "connect"), .options(["-k", "5", "-c", "test:///default"], "echo"),
    .options(["-K", "5"], "connect; echo a"), .options(["-k", "0"], "connect; uri"),
    .options(["-K", "3", "-k", "0"], "connect"), .options(["-k", "5"], "echo a; uri; uri"),
    .options(["-l", "@DIR/log"], "foo"), .options(["-l", "@DIR/log"], "echo --err x; echo a"),
    .options(["-l", "@DIR/log"], "echo --err 'a\nb'"),
    .options(["-l", "@DIR/log"], "dominfo nope"),
    .options(["-l", "@DIR/log"], "echo a; dominfo nope; echo --err b"),
    .options(["-l", "@DIR/log"], "echo a; list --bogus"),
    .options(["-l", "@DIR/log", "-Z"], "echo"),
    .options(["-l", "@DIR/log", "-d", "9"], "foo"),
    .options(["-l", "@DIR/log", "-c", "foo"], "pwd"),
    .options(["-l", "@DIR/other", "-l", "@DIR/log"], "foo"), .options(["-l", "@DIR/no/x"], "echo"),
    .options(["-l", "@DIR/log", "-l", "@DIR/no/x"], "echo"), .options(["--log="], "echo"),
    .options(["-l", "@DIR/log"], "connect foo:///"), .options(["--log", "@DIR"], "echo"),
    .options(["-Z"], "echo"), .options(["--zzz"], "echo"), .options(["--zzz=3"], "echo"),
    .options(["--quiet=1"], "echo"), .options(["--timing=1"], "echo"), .options(["-qZ"], "echo"),
    .options(["-?"], "echo"), .options(["-c"]), .options(["--connect"]), .options(["-l"]),
    .options(["-k"]), .options(["-K"]), .options(["-d"]), .options(["-e"]), .options(["-qd"]),
    .options(["--keep", "3"]), .options(["--keep=3"]), .options(["--help=x"]),
    .options(["-Z", "-h"]),
    .options(["-t-"], "echo"), .options(["---"], "echo"), .options(["-"], "echo"),
    .options(["--re", "-q"], "uri"), .options(["-qq", "-tt"], "echo a"),
  ]

  /// Options that print help or the version, and end the program.
  static let endings: [ParityCase] = [
    .options(["-h"]), .options(["--help"], "foo"), .options(["-h", "-Z"]), .options(["-qh"]),
    .options(["--he", "-c"]), .options(["-v"]), .options(["-v", "-Z"]), .options(["-vq"]),
    .options(["-vZ"]), .options(["--version"]), .options(["--version=short"]),
    .options(["--version=x"]), .options(["--version="]), .options(["--version", "long"]),
    .options(["--ver"]), .options(["-qv"]), .options(["-d", "9", "-v"]),
    .options(["-l", "@DIR/log", "-v"]),
  ]

  /// Variables of the environment.
  static var environment: [ParityCase] { logs + connections + others }

  private static var logs: [ParityCase] {
    let words: [[String]] = [
      ["foo"], ["-Z"], ["-d9", "foo"], ["echo a; dominfo nope; echo --err b"],
      ["echo a; list --bogus"], ["-l", "@DIR/other", "foo"], ["-l", "", "foo"], ["help nosuch"],
    ]
    return ["@DIR/log", "@DIR/no/x", ""].flatMap { file in
      words.map { ParityCase(words: $0, environment: ["VIRSH_LOG_FILE": file]) }
    }
  }

  private static var connections: [ParityCase] {
    let words: [[String]] = [
      ["uri"], ["echo a"], ["echo a; uri"], ["connect"], ["connect ''; uri"],
      ["connect '';uri;echo;uri"], ["complete -- ech"], ["complete -- dominfo ''"],
      ["connect test:///default; uri; connect foo:///; uri; connect; uri"], ["-c", "", "uri"],
      ["-c", "test:///default", "echo; uri"],
    ]
    let uris = [("foo:///", "test:///default"), ("test:///default", "foo:///"), ("", "foo:///")]
    return uris.flatMap { uri, fallback in
      words.map {
        ParityCase(
          words: $0,
          environment: ["VIRSH_DEFAULT_CONNECT_URI": uri, "LIBVIRT_DEFAULT_URI": fallback])
      }
    }
  }

  private static let others: [ParityCase] = [
    .environment(["VIRSH_DEBUG": "x"], "-d2", "echo", "a"),
    .environment(["VIRSH_DEBUG": "x"], "-Z"), .environment(["VIRSH_DEBUG": ""], "-Z"),
    .environment(["VIRSH_DEBUG": "5", "VIRSH_LOG_FILE": "@DIR/no/x"], "echo"),
    .environment(["VIRSH_DEBUG": "2"], "echo a"), .environment(["VIRSH_DEBUG": "4"], "list"),
    .environment(["VIRSH_HISTSIZE": "x"], "echo a"),
  ]
}
