// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport
import Testing

/// What becomes of a session whose daemon ends, falls silent, or comes back: the same as with virsh.
struct ConnectionLossTests {
  /// A program that has a prompt, and a command of it that needs a connection.
  struct Client: Sendable, CustomTestStringConvertible {
    var name: String
    var command: String
    var testDescription: String { name }

    static let all = [
      Client(name: "virsh", command: "list --all"),
      Client(name: "virsh-backup", command: "backup-list --all-pools"),
    ]

    func open(_ libvirt: PrivateLibvirt, _ options: [String] = []) throws -> PseudoTerminal {
      name == "virsh"
        ? try PseudoTerminal(
          libvirt.clientPrefix + ["env", "INPUTRC=/dev/null", "virsh", "-c", libvirt.uri] + options)
        : try Program.open(libvirt, options)
    }

    var prompt: String { "\(name) # " }

    /// Runs the command, and returns what is printed.
    func run(in terminal: PseudoTerminal) throws -> String {
      terminal.send(command + "\r")
      return try terminal.expect("\r\n\u{1B}[?2004h\(prompt)")
    }

    /// Runs the command once it is told that the connection is lost, and returns what is printed.
    func runAfterLoss(in terminal: PseudoTerminal) throws -> String {
      let text = try run(in: terminal)
      // virsh takes note of a loss after it has told of it: a command may come in between.
      guard name == "virsh", !text.contains("to the hypervisor") else { return text }
      return try run(in: terminal)
    }
  }

  @Test(arguments: Client.all)
  func `a lost connection is told at once, and made anew for the next command`(
    client: Client
  ) throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let disconnected = "error: Disconnected from \(libvirt.uri) due to end of file\r\n"
    let terminal = try client.open(libvirt)

    try terminal.expect(client.prompt)
    #expect(try !client.run(in: terminal).contains("error: "))
    terminal.send("echo st")
    try libvirt.kill()
    try terminal.expect(disconnected)
    // What was typed is still there.
    terminal.send("ill\r")
    try terminal.expect("still\r\n")
    try terminal.expect(client.prompt)
    let failure = "error: Failed to reconnect to the hypervisor\r\nerror: Failed to connect socket"
    for _ in 0..<2 {
      let text = try client.runAfterLoss(in: terminal)
      #expect(text.contains(failure), "\(text)")
    }
    try libvirt.start()
    #expect(try !client.run(in: terminal).contains("error: "))

    try libvirt.restart()
    try terminal.expect(disconnected)
    #expect(
      try client.runAfterLoss(in: terminal).contains("error: Reconnected to the hypervisor\r\n"))
    #expect(try !client.run(in: terminal).contains("error: "))

    try libvirt.restart()
    try terminal.expect(disconnected)
    // Where it is asked for, a new connection is nothing to speak of.
    terminal.send("connect\r")
    try terminal.expect("connect\r\n")
    #expect(try !terminal.expect(client.prompt).contains("error: "))
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
  }

  @Test(arguments: Client.all)
  func `a daemon that is silent is given up`(client: Client) throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let daemon = try #require(libvirt.daemonPID)
    let terminal = try client.open(libvirt, ["-k", "1", "-K", "1"])
    try terminal.expect(client.prompt)
    kill(daemon, SIGSTOP)
    try terminal.expect("error: Disconnected from \(libvirt.uri) due to keepalive timeout\r\n")
    kill(daemon, SIGCONT)
    #expect(
      try client.runAfterLoss(in: terminal).contains("error: Reconnected to the hypervisor\r\n"))
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
  }

  // What virsh says then, and whether it goes on, depends on which of its threads is faster.
  @Test(arguments: Client.all.filter { $0.name != "virsh" })
  func `a daemon that ends during a command is told before what that command came to`(
    client: Client
  ) throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let daemon = try #require(libvirt.daemonPID)
    let terminal = try client.open(libvirt)
    try terminal.expect(client.prompt)
    kill(daemon, SIGSTOP)
    terminal.send(client.command + "\r")
    try terminal.expect(client.command + "\r\n")
    kill(daemon, SIGKILL)
    let text = try terminal.expect(client.prompt)
    // The command may have failed, or not have begun: there is more than one reason then.
    let errors = text.components(separatedBy: "error: ").dropFirst()
    let told = "Disconnected from \(libvirt.uri) due to end of file\r\n"
    #expect(errors.first?.hasPrefix(told) == true, "\(text)")
    #expect(errors.count > 1, "\(text)")
    terminal.send("quit\r")
    #expect(try terminal.wait() == .exited(0))
  }

  @Test func `a prompt at which nobody types answers the daemon`() throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let file = "\(libvirt.directory)/c/libvirt/libvirtd.conf"
    let settings = try String(contentsOfFile: file, encoding: .utf8)
    try (settings + "keepalive_interval = 1\nkeepalive_count = 1\n")
      .write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.restart()
    let daemon = "/proc/\(try #require(libvirt.daemonPID))/fd"
    func connections() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: daemon).count { descriptor in
        let file = try? FileManager.default.destinationOfSymbolicLink(
          atPath: "\(daemon)/\(descriptor)")
        return file?.hasPrefix("socket:") == true
      }
    }
    let client = Client.all[1]
    let stopped = try client.open(libvirt)
    try stopped.expect(client.prompt)
    let before = try connections()
    let idle = try client.open(libvirt)
    try idle.expect(client.prompt)
    kill(stopped.pid, SIGSTOP)
    try eventually("the daemon gives up the one client that does not answer") {
      try connections() == before
    }
    idle.send(client.command + "\r")
    try idle.expect("\r\n\u{1B}[?2004h\(client.prompt)")
    #expect(!idle.output.contains("error: "))
    kill(stopped.pid, SIGCONT)
    try stopped.expect("error: Disconnected from")
    for terminal in [idle, stopped] {
      terminal.send("quit\r")
      #expect(try terminal.wait() == .exited(0))
    }
  }

  @Test func `the rest of a line is run after a loss`() throws {
    let libvirt = try PrivateLibvirt(.session)
    defer { libvirt.close() }
    let list = "backup-list --all-pools"
    let client = try Program.start(
      libvirt, ["\(list); echo first; event --all --loop; \(list); echo last; \(list)"])
    // virsh's event ends with the connection.
    try eventually("the first commands have run") { client.outputSoFar.contains("first") }
    try eventually("virsh waits for events") {
      let children = "/proc/\(client.pid)/task/\(client.pid)/children"
      return try !String(contentsOfFile: children, encoding: .utf8).isEmpty
    }
    try libvirt.kill()
    let result = try client.wait()
    #expect(result.status == 1)
    #expect(result.stdout.hasSuffix("\nlast\n\n"), "\(result)")
    // The first command after the loss may be the one that notices it.
    let disconnected = "error: Disconnected from \(libvirt.uri) due to end of file\n"
    let parts = result.stderr.components(separatedBy: disconnected)
    // virsh tells of its own connection too, if it ends late enough.
    #expect([2, 3].contains(parts.count), "\(result)")
    #expect(
      parts.last?.contains("error: Failed to reconnect to the hypervisor\n") == true, "\(result)")
  }
}
