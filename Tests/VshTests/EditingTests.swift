// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Vsh

/// What is put into the line for a candidate.
///
/// In the lines `|` is where the editor's word begins.
@Suite struct EditingTests {
  private static let names = ["test", "web 1", "web@2", "a=b", "c;d", "it's", "say \"x\"", "#x"]

  private func completions(_ marked: String, foreign: ForeignCommands<Recorder>? = nil) -> [String]
  {
    let command = Command<Recorder>(
      "c", summary: "",
      options: [
        .string("domain", "", required: true, completer: { _, _ in Self.names }),
        .bool("flag", ""), .string("text", ""),
      ], handler: { _, _ in true })
    let recorder = Recorder()
    let shell = Shell(
      programName: "p",
      table: CommandTable(groups: [CommandGroup(name: "G", keyword: "g", commands: [command])]),
      context: recorder, output: recorder.output)
    shell.foreign = foreign
    let parts = marked.split(separator: "|", omittingEmptySubsequences: false)
    return shell.completions(line: parts.joined(), wordStart: parts[0].utf8.count)
  }

  @Test(arguments: [
    ("c |te", ["test"]), ("|c", ["c"]), ("c te; |c", ["c"]),
    ("c |", ["--domain", "--flag", "--text"]),
    ("c --|fl", ["flag"]), ("c |--fl", ["--flag"]),
  ])
  func `the whole word, or what the editor takes for it`(line: String, expected: [String]) {
    #expect(completions(line) == expected)
  }

  @Test(arguments: [
    ("c web@|", ["2"]), ("c a=|", ["b"]), ("c a=|b", ["b"]), ("c web\\ |", ["1"]),
    ("c |web", ["web\\ 1", "web@2"]), ("c |web\\ ", ["web\\ 1"]), ("c test web@|", []),
  ])
  func `what stands before the editor's word is left out`(line: String, expected: [String]) {
    #expect(completions(line) == expected)
  }

  @Test(arguments: [
    ("c --domain=|", names.map { Quoting.word($0, inside: nil, isStart: false) }),
    ("c --domain=|te", ["test"]), ("c |--domain=te", ["--domain=test"]),
    ("c --domain=web@|", ["2"]), ("c --domain=\"|web ", ["web 1"]), ("c --flag=|te", []),
    ("c --text=|te", []), ("c --text --domain=|te", []), ("c -- --domain=|te", []),
    ("c --nothing=|te", []), ("c --domain=test --domain=|te", []), ("c --help=|te", []),
  ])
  func `a value behind an equals sign is completed`(line: String, expected: [String]) {
    #expect(completions(line) == expected)
  }

  @Test(arguments: [
    ("c |c\\;", ["c\\;d"]), ("c |it", ["it\\'s"]), ("c |say", ["say\\ \\\"x\\\""]),
    ("c |\\#", ["\\#x"]), ("c \"|say", ["say \\\"x\\\"\""]), ("c '|it", ["it'\\''s"]),
    ("c \"|web", ["web 1", "web@2"]), ("c we\"|b ", ["b 1"]),
    // Without knowing that the quote was closed the editor begins in the middle of it.
    ("c \"web |1\"", ["1\""]),
  ])
  func `what the parser would take amiss is escaped`(line: String, expected: [String]) {
    #expect(completions(line) == expected)
  }

  @Test func `every text can be read back`() throws {
    for quote in [nil, "'", "\""] as [Character?] {
      for name in Self.names + ["back\\slash", "\ttab"] {
        let word = Quoting.word(name, inside: quote, isStart: true)
        var lexer = Lexer(
          string: (quote.map(String.init) ?? "") + word + (quote.map(String.init) ?? ""))
        #expect(try lexer.next() == .word(name))
        #expect(try lexer.next() == .end)
      }
    }
  }

  @Test func `another program is asked for its commands' values as its parser wants them`() {
    var asked: [[String]] = []
    let foreign = ForeignCommands<Recorder>(
      check: { _, _, _ throws(UsageError) in }, run: { _, _ in true },
      complete: { _, words in
        asked.append(words)
        let commands = ["dominfo", "list"]
        switch words.first {
        case "dominfo" where words.count > 1: return ["web 1"]
        default: return commands.filter { $0.hasPrefix(words.last ?? "") }
        }
      })
    #expect(completions("dominfo |we", foreign: foreign) == ["web\\ 1"])
    #expect(completions("dominfo --domain=|we", foreign: foreign) == ["web\\ 1"])
    #expect(
      asked == [["dominfo", "we"], ["dominfo"], ["dominfo", "--domain", "we"], ["dominfo"]])
    #expect(completions("nosuch |", foreign: foreign) == ["c", "dominfo", "list"])
    #expect(completions("|", foreign: foreign) == ["c", "dominfo", "list"])
  }
}
