// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Cases of which we make something else than virsh 9.0.0.
enum ParityExceptions {
  /// Debug text, which is virsh's but for the stream.
  static var debugText: [ParityCase] { ["0", "1", "2"].flatMap(debugText(level:)) }

  private static func debugText(level: String) -> [ParityCase] {
    let words: [[String]] = [
      ["echo", "a", "--shell"], ["echo a; echo --hi"], ["connect"], ["echo a --zzz"], ["quit"],
      ["help nosuch --bogus"], [""], ["# x"], ["complete", "--", "ech"], ["list; domname 1"],
      ["list"], ["dominfo", "nope"], ["foo"],
    ]
    var cases = words.map { ParityCase(options: ["-d", level], words: $0) }
    cases += [["echo --err a; connect"], ["list"]].map {
      ParityCase(options: ["-d", level, "-l", "@DIR/log"], words: $0)
    }
    cases.append(.environment(["VIRSH_DEBUG": level], "echo a; pwd"))
    cases.append(.environment(["VIRSH_DEBUG": " +\(level)"], "dominfo nope"))
    cases.append(.session(["-d", level], "echo a\ndomname 1\nfoo\necho --na\n"))
    return cases.map { $0.inOne(.debugText) }
  }

  private static let echoHelp = """
      NAME
        echo -

      SYNOPSIS
        echo [--shell] [--xml] [--split] [--err] [<string>]...

      DESCRIPTION

      OPTIONS
        --shell          
        --xml            
        --split          
        --err            
        <string>         



    """

  /// Everything else.
  static let others: [ParityCase] = [
    .options(["-d", "0"], "echo", "a").ours(
      .debugText, output: "a\n", errors: "echo: string(optdata): a\n"),
    ParityCase(options: ["-d4"], words: ["pwd; connect"], environment: ["VIRSH_DEBUG": "0"])
      .ours(.debugText, output: "@DIR\n\n\n"),
    ParityCase(options: ["-d4"], words: ["domname 1"], environment: ["VIRSH_DEBUG": "0"])
      .ours(.debugText, output: "test\n\n"),
    .session(["-q"], "complete -- ech\necho a\n").ours(
      .completeInSession, output: "virsh # complete -- ech\necho\nvirsh # echo a\navirsh # \n"),
    .string("complete -- \"'ech\"").ours(.completeMore, output: "echo\n\n"),
    .string("complete -- '\"ech'").ours(.completeMore, output: "echo\n\n"),
    .string("complete -- 'ech\\'").ours(.completeMore, output: "echo\n\n"),
    .string("complete -- 'echo --sp'").ours(.completeMore, output: "--split\n\n"),
    .string("echo --help=x").ours(.helpValue, output: echoHelp),
    .string("cd /; pwd").ours(.changeDirectory, output: "\n/\n\n"),
    .string("cd @DIR/no").ours(
      .changeDirectory, output: "\n", errors: "error: cd: No such file or directory: @DIR/no\n",
      status: 1),
    .string("echo --prefix a b").ours(.newOptions, output: "a b\n"),
    .options(["--no-pkttyagent"], "echo", "a").ours(.newOptions, output: "a\n"),
    .environment(["VIRSH_DEBUG": "x"], "echo a").ours(
      .debugVariable, output: "a\n",
      errors: "error: VIRSH_DEBUG not set with a valid numeric value\n"),
    .environment(["VIRSH_DEBUG": "-1"], "echo; domname 1; domname 1").ours(
      .debugVariable, output: "\ntest\n\ntest\n\n",
      errors: "error: VIRSH_DEBUG not set with a valid numeric value\n"),
    .string("destroy test; echo a; domstate test").ours(
      .ownConnection, output: "Domain 'test' destroyed\n\na\nrunning\n\n"),
    .string("'\u{1B}[2J' x; echo").ours(
      .controlCharacters, errors: "error: unknown command: '\\x1b[2J'\n", status: 1),
    .string("echo --err '\t\u{7F}\nb'").ours(
      .controlCharacters, output: "\n", errors: "error: \t\\x7f\nb\n"),
    .session(["-q"], "destroy test\ndomstate test\n").ours(
      .ownConnection,
      output: "virsh # destroy test\n"
        + "virsh # domstate test\nrunning\nvirsh # \n"),
  ]
}
