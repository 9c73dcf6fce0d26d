// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The program beside the installed virsh: the same output, errors, log and exit status, whether a
/// command comes as one string, as words or in a session.
@Suite struct ParityTests {
  private func compare(_ test: ParityCase, isHelp: Bool = false) throws {
    let ours = try ShellRun(Program.path, test, isHelp: isHelp)
    let virsh = try ShellRun(ShellRun.virsh, test, isHelp: isHelp)
    #expect(ours == virsh)
  }

  @Test(arguments: ParityLines.own + ParityLines.completion)
  func `a string`(line: String) throws { try compare(.string(line)) }

  @Test(arguments: ParityLines.foreign)
  func `a string with virsh's commands`(line: String) throws { try compare(.string(line)) }

  @Test(arguments: ParityLines.help)
  func `help has virsh's layout`(line: String) throws {
    try compare(.string(line), isHelp: true)
  }

  @Test(arguments: ParityOptions.words)
  func `words`(test: ParityCase) throws { try compare(test) }

  @Test(arguments: ParityOptions.options)
  func `options of the program`(test: ParityCase) throws { try compare(test) }

  @Test(arguments: ParityOptions.environment)
  func `variables of the environment`(test: ParityCase) throws { try compare(test) }

  @Test(arguments: ParityOptions.endings)
  func `help and version of the program`(test: ParityCase) throws {
    var ours = try ShellRun(Program.path, test, isHelp: true)
    var virsh = try ShellRun(ShellRun.virsh, test, isHelp: true)
    let version = #/^[0-9]+\.[0-9]+\.[0-9]+\n$/#
    ours.output = ours.output.replacing(version, with: "VERSION")
    virsh.output = virsh.output.replacing(version, with: "VERSION")
    #expect(ours == virsh)
  }

  @Test(arguments: [
    #""$0" echo "$(printf 'a\377\303')""#, #""$0" "echo --xml $(printf '<\377')""#,
    #""$0" "echo --shell $(printf '\377 \303 %s' \')""#, #""$0" dominfo "$(printf 'a\377')""#,
    #""$0" "echo a; dominfo $(printf '\377b')""#, #""$0" "echo a; $(printf '\377') b""#,
    #""$0" "echo; list --a$(printf '\303')""#, #""$0" -q$(printf '\303\251') echo a"#,
    #""$0" -l "$PWD/log" "$(printf '\360\237')" x"#, #""$0" -l "$PWD/$(printf '\377')" x; ls"#,
    #"printf 'echo \377\303\ndominfo \300\200\n\377\necho; dominfo \377\n' | "$0" | tr -d '#'"#,
    #"cd /; printf 'cd \377\n' | "$0" >/dev/null; d=$(printf '\377'); mkdir "$HOME/$d"; cd "$HOME/$d"; "$0" pwd"#,
  ])
  func `bytes that are no UTF-8 come out as they went in`(script: String) throws {
    try compare(.script(script))
  }

  /// What follows one of our commands, and a command of virsh's.
  @Test(arguments: [
    "", "''", "nope", "7", "6695eb01-f6a4-8304-79aa-97f2502e193e", "--na", "--domain",
    "nope --domain a", "--domain=a=", "-- --x",
  ])
  func `our own commands say of a domain what virsh's say`(line: String) throws {
    let host = try CommandShell(domains: ["web1"])
    for options in [[], ["-d0"]] {
      var test = ParityCase.options(options + ["-c", host.uri], "domjobinfo \(line)")
      test.expectation = .sameInOne
      let virsh = try ShellRun(ShellRun.virsh, test)
      test.words = ["backup-create \(line)"]
      var ours = try ShellRun(Program.path, test)
      ours.output.replace("backup-create", with: "domjobinfo")
      #expect(ours == virsh)
    }
  }

  @Test func `usage, welcome and log have the name that the program was called by`() throws {
    let path = try VirshInPath()
    let program = "\(path.directory)/some name"
    try FileManager.default.createSymbolicLink(
      atPath: program, withDestinationPath: Program.path)
    let usage = try ShellRun(program, .options(["-h"])).output
    #expect(usage.hasPrefix("\nsome name [options]... [<command_string>]\nsome name [options]"))
    let session = try ShellRun(program, .session(["-l", "@DIR/log"], "foo bar; echo\n"))
    #expect(session.output.hasPrefix("Welcome to some name, backup"))
    #expect(session.output.contains("\nvirsh # foo"))
    #expect(session.log.contains(#/^\[\S+ \S+ some name [0-9]+\] ERROR unknown command: 'foo'\n$/#))
  }

  @Test(arguments: [["-V"], ["--version=long"]])
  func `the long version is our own`(options: [String]) throws {
    let ours = try ShellRun(Program.path, ParityCase(options: options))
    #expect(ours.output.contains("libvirt"))
    #expect(ours.errors == "")
    #expect(ours.status == 0)
  }

  @Test(arguments: ParityExceptions.debugText + ParityExceptions.others)
  func `exceptions`(test: ParityCase) throws {
    _ = try #require(test.exception)
    let isHelp = test.exception == .helpValue
    let ours = try ShellRun(Program.path, test, isHelp: isHelp)
    if test.exception != .completeInSession {
      let virsh = try ShellRun(ShellRun.virsh, test, isHelp: isHelp)
      // An exception that is none any more must go.
      #expect((ours == virsh) == (test.expectation == .sameInOne))
    }
    if case .ours(let output, let errors, let status) = test.expectation {
      #expect(ours == ShellRun(output: output, errors: errors, log: "", status: status))
    }
  }

  @Test func `all commands are completed, ours before virsh's`() throws {
    let bare = ParityCase.string("complete")
    let lines = try ShellRun(Program.path, bare).output.split(separator: "\n")
    let virsh = try ShellRun(ShellRun.virsh, .string("complete ''")).output.split(separator: "\n")
    #expect(lines.first == "backup-create")
    #expect(Set(lines).count == lines.count)
    #expect(lines.filter { virsh.contains($0) }.sorted() == virsh.sorted())
    #expect(try ShellRun(ShellRun.virsh, bare).status == 1)
  }

  @Test func `there are at most ten exceptions, each with a case and in the manual page`() throws {
    #expect(ParityException.allCases.count <= 10)
    let cases = ParityExceptions.debugText + ParityExceptions.others
    let page = try Project.text("man/virsh-backup.1").replacing("\\-", with: "-")
      .replacing(#/\n\.[A-Z]+ ?/#, with: " ").replacing("\n", with: " ")
    for exception in ParityException.allCases {
      #expect(cases.contains { $0.exception == exception }, "\(exception)")
      #expect(page.contains(exception.phrase), "\(exception.phrase)")
    }
  }
}
