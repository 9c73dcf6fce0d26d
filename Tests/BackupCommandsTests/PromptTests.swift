// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The prompt, on a terminal.
@Suite struct PromptTests {
  private static let prompt = CommandShell.prompt
  private let host: CommandShell

  init() throws {
    host = try CommandShell(domains: ["web 1", "web 2", "db"])
  }

  /// What a session comes to: all that was to be seen, how it ended, and how the terminal was left.
  private struct Session: Equatable, CustomStringConvertible {
    var screen: String
    var ending: CommandResult.Ending
    var isSane: Bool
    var history: String?
    var description: String { "\(ending) \(isSane) \(history.debugDescription)\n\(screen)" }
  }

  /// Types into a program, each text when the prompt is there.
  private func session(_ program: String, _ prompt: String, _ typed: [String]) throws -> Session {
    let terminal = try host.terminal(program)
    for text in typed {
      try terminal.expect(prompt)
      terminal.send(text)
    }
    let ending = try terminal.wait()
    var screen = Screen()
    screen.show(terminal.output)
    // virsh's agent for passwords may have something to say.
    let lines = screen.text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("Authorization not available") && !$0.hasPrefix("Welcome to") }
    let name = program == "virsh" ? "virsh" : "virsh-backup"
    return Session(
      screen: lines.joined(separator: "\n").replacing(prompt.dropLast(), with: "virsh #"),
      ending: ending,
      isSane: terminal.isSane,
      history: try? String(
        contentsOfFile: host.history(of: name), encoding: .utf8))
  }

  // MARK: - Beside virsh

  private static let sessions: [(typed: [String], ending: CommandResult.Ending)] = [
    (["echo hi\r", PseudoTerminal.control("d")], .exited(0)),
    (["nosuch -x\r", "echo 'a b' \"c\r", "  \r", "\r", "quit; echo no\r"], .exited(0)),
    (["echo one\r", "ech" + PseudoTerminal.control("c")], .signalled(SIGINT)),
    (
      [
        "cho a b\u{1}e\u{5} c" + PseudoTerminal.control("w") + "d\r",
        "echo xyz" + PseudoTerminal.left + PseudoTerminal.left + PseudoTerminal.control("k") + "\r",
        "echo  again\r", "echo last\r",
        PseudoTerminal.up + PseudoTerminal.up + PseudoTerminal.control("e") + " and again\r",
        "exit\r",
      ], .exited(0)
    ),
  ]

  @Test(arguments: sessions.indices)
  func `a session is to be seen as one of virsh is`(index: Int) throws {
    let (typed, ending) = Self.sessions[index]
    let ours = try session(TestSupport.Program.path, Self.prompt, typed)
    let theirs = try session("virsh", "virsh # ", typed)
    #expect(ours == theirs)
    #expect(ours.ending == ending)
    #expect(ours.isSane)
    #expect((ours.history == nil) == (ending != .exited(0)))
  }

  @Test func `the prompt says whether anything can be changed`() throws {
    let terminal = try host.terminal(arguments: ["-r"])
    try terminal.expect("virsh-backup > ")
    terminal.send("connect\r")
    try terminal.expect("virsh-backup > ")
    terminal.send("connect \(host.uri)\r")
    try terminal.expect(Self.prompt)
    terminal.send("connect --readonly\r")
    try terminal.expect("virsh-backup > ")
    // What cannot be reached leaves all as it was.
    terminal.send("connect nosuch:///x\r")
    try terminal.expect("error: failed to connect to the hypervisor")
    try terminal.expect("virsh-backup > ")
    terminal.send("list --name\r")
    try terminal.expect("web 1")
    try terminal.expect("virsh-backup > ")
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
  }

  @Test func `a session that cannot reach the named hypervisor does not begin`() throws {
    let terminal = try host.terminal(arguments: ["-c", "test:///\(host.directory)/nosuch.xml"])
    #expect(try terminal.wait() == .exited(1))
    #expect(terminal.output.contains("error: failed to connect to the hypervisor\r\nerror: XML"))
    #expect(!terminal.output.contains("Welcome"))
  }

  @Test(arguments: [["-k", "3"], ["-K", "3"]])
  func `keepalive that was asked for and cannot be had is an error`(options: [String]) throws {
    let arguments = options + ["-c", host.uri]
    let ours = try Command.run(TestSupport.Program.path, arguments + ["backup-list"])
    let theirs = try Command.run("virsh", arguments + ["list"])
    #expect(ours.status == 1)
    #expect(ours.stderr.hasPrefix("error: Cannot setup keepalive on connection as requested, "))
    #expect(ours.stderr == theirs.stderr)
    try Command.run(TestSupport.Program.path, ["-k", "0"] + arguments.dropFirst(2) + ["echo"])
      .expectSuccess()
  }

  @Test func `a foreign command that is interrupted does not end the session`() throws {
    let terminal = try host.terminal()
    try terminal.expect(Self.prompt)
    terminal.send("event --all --loop\r")
    // The first virsh only looks whether the words are right.
    try eventually("virsh runs the command") {
      let children = "/proc/\(terminal.pid)/task/\(terminal.pid)/children"
      let child = try String(contentsOfFile: children, encoding: .utf8)
        .trimmingCharacters(in: .whitespaces)
      guard let words = FileManager.default.contents(atPath: "/proc/\(child)/cmdline") else {
        return false
      }
      return String(decoding: words, as: UTF8.self).contains("event\0--all")
    }
    terminal.send(PseudoTerminal.control("c"))
    try terminal.expect(Self.prompt)
    terminal.send("echo still here\r")
    try terminal.expect("\rstill here")
    try terminal.expect(Self.prompt)
    terminal.send(PseudoTerminal.control("d"))
    #expect(try terminal.wait() == .exited(0))
  }

  // MARK: - History

  private var historyFile: String { host.history(of: "virsh-backup") }

  /// Types lines, and leaves.
  private func type(_ lines: String..., size: String = "500") throws -> String {
    let terminal = try host.terminal(environment: ["VIRSH_HISTSIZE": size])
    for line in lines {
      try terminal.expect(Self.prompt)
      terminal.send(line + "\r")
    }
    try terminal.expect(Self.prompt)
    terminal.send(PseudoTerminal.control("d"))
    #expect(try terminal.wait() == .exited(0))
    return terminal.output
  }

  @Test func `lines outlive the session`() throws {
    _ = try type("echo first", "  ", "nosuch", "echo second")
    #expect(
      try String(contentsOfFile: historyFile, encoding: .utf8)
        == "echo first\n  \nnosuch\necho second\n")
    let output = try type(PseudoTerminal.up + PseudoTerminal.up + PseudoTerminal.up)
    #expect(output.contains("\r\nerror: unknown command: 'nosuch'") == false)
    #expect(output.contains("echo second"))
  }

  @Test func `the history is as long as the environment says`() throws {
    _ = try type("echo 1", "echo 2", "echo 3")
    _ = try type("echo 4", size: " 2")
    #expect(try String(contentsOfFile: historyFile, encoding: .utf8) == "echo 3\necho 4\n")
    for (size, problem) in [
      ("two", "Bad $VIRSH_HISTSIZE value."), ("", "Bad $VIRSH_HISTSIZE value."),
      ("2x", "Bad $VIRSH_HISTSIZE value."),
      ("500001", "$VIRSH_HISTSIZE value should be between 0 and 500000"),
      ("-1", "$VIRSH_HISTSIZE value should be between 0 and 500000"),
    ] {
      let output = try type("echo 5", size: size)
      #expect(output.contains("'quit' to quit\r\n\r\nerror: \(problem)\r\n"), "\(output)")
      #expect(try String(contentsOfFile: historyFile, encoding: .utf8) == "echo 3\necho 4\n")
    }
  }

  @Test func `a history that cannot be kept is told`() throws {
    try host.write("", to: "\(host.directory)/cache")
    let output = try type("echo 1")
    #expect(
      output.contains(
        "error: Failed to create '\(host.directory)/cache/libvirt/virsh-backup': Not a directory"))
  }
}
