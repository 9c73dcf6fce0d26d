// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A virsh that has the terminal while it runs, and does not always give it back in order.
@Suite struct TerminalTests {
  private static let prompt = "virsh-backup # "

  private func terminal(_ script: String, _ arguments: [String]) throws -> (
    VirshInPath, PseudoTerminal
  ) {
    let path = try VirshInPath(script: script)
    let terminal = try PseudoTerminal(
      [Program.path] + arguments,
      environment: [
        "PATH": path.path, "HOME": path.directory, "XDG_CACHE_HOME": path.directory,
        "LIBVIRT_DEFAULT_URI": "test:///default",
      ])
    return (path, terminal)
  }

  @Test func `^C is for virsh alone, and a session goes on`() throws {
    let (path, terminal) = try terminal(
      "trap 'echo caught; exit 1' INT; echo ready; while :; do sleep 0.1; done", [])
    try terminal.expect(Self.prompt)
    terminal.send("console x\r")
    try terminal.expect("ready")
    terminal.send(PseudoTerminal.control("c"))
    try terminal.expect("caught")
    try terminal.expect(Self.prompt)
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
    #expect(path.calls.count == 1)
  }

  @Test func `a virsh that dies of ^C does not end a session`() throws {
    let (path, terminal) = try terminal("echo ready; exec sleep 60", [])
    try terminal.expect(Self.prompt)
    terminal.send("event x\r")
    try terminal.expect("ready")
    terminal.send(PseudoTerminal.control("c"))
    try terminal.expect("^C\r\n")
    try terminal.expect(Self.prompt)
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
    #expect(path.calls.count == 1)
  }

  @Test(arguments: [["event", "x"], ["echo a; event x; echo no"]])
  func `outside of a session ^C ends the program as it ends virsh`(words: [String]) throws {
    let (path, terminal) = try terminal(
      """
      case "$*" in *"; ''") echo "error: unknown command: ''" >&2; exit 1 ;; esac
      echo ready; exec sleep 60
      """, words)
    try terminal.expect("ready")
    terminal.send(PseudoTerminal.control("c"))
    #expect(try terminal.wait() == .signalled(SIGINT))
    #expect(!terminal.output.contains("no\r\n"))
    #expect(path.calls.count == (words.count == 2 ? 1 : 2))
  }

  @Test func `a virsh that is killed is told, and the terminal is as before`() throws {
    let (path, terminal) = try terminal(
      """
      case "$*" in *"; ''") echo "error: unknown command: ''" >&2; exit 1 ;; esac
      stty raw -echo; kill -SEGV $$
      """, ["echo a; console x; echo b; console y"])
    #expect(try terminal.wait() == .exited(1))
    #expect(
      terminal.output.hasPrefix("a\r\nerror: '\(path.virsh)' was killed: Segmentation fault\r\n"))
    #expect(terminal.output.contains("\r\nb\r\n"))
    #expect(terminal.isSane)
    #expect(path.calls.count == 3)
  }
}
