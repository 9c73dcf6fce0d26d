// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The program under test.
package enum Program {
  /// Who runs the program.
  package enum User: Sendable {
    /// The user a session's daemon belongs to; in system mode this process's user.
    case ofTheDaemon
    /// The user of this process.
    case ourselves
    /// As `ofTheDaemon`, in a PID namespace of its own: root only.
    case inContainer
    /// As `ofTheDaemon`, where all the daemon's paths lead to what they lead it to.
    case besideTheDaemon
  }

  /// The binary: `VIRSH_BACKUP`, else the one beside the tests.
  package static var path: String {
    if let given = ProcessInfo.processInfo.environment["VIRSH_BACKUP"] { return given }
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: tests).deletingLastPathComponent().appending(path: "virsh-backup").path
  }

  /// Runs the program on a private libvirtd.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon whose URI is given with `-c`.
  ///   - arguments: What follows: the command and its arguments.
  ///   - user: Who runs it.
  ///   - environment: Variables set for it.
  ///   - input: What it reads from standard input.
  ///   - timeout: After this time it is killed.
  /// - Returns: How it ended, also when it failed.
  /// - Throws: `CommandError` when it could not be started or did not end in time.
  package static func run(
    _ libvirt: PrivateLibvirt, _ arguments: [String], as user: User = .ofTheDaemon,
    environment: [String: String] = [:], input: [UInt8] = [],
    timeout: Duration = .seconds(120)
  ) throws(CommandError) -> CommandResult {
    try start(
      libvirt, arguments, as: user, environment: environment, input: input
    )
    .wait(timeout: timeout)
  }

  /// Starts the program on a private libvirtd without waiting for it; its id is the running
  /// command's.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon whose URI is given with `-c`.
  ///   - arguments: What follows: the command and its arguments.
  ///   - user: Who runs it.
  ///   - environment: Variables set for it.
  ///   - input: What it reads from standard input.
  /// - Returns: The running program.
  /// - Throws: `CommandError` when it could not be started.
  package static func start(
    _ libvirt: PrivateLibvirt, _ arguments: [String], as user: User = .ofTheDaemon,
    environment: [String: String] = [:], input: [UInt8] = []
  ) throws(CommandError) -> RunningCommand {
    let command = try command(libvirt, arguments, as: user, environment: environment)
    return try Command.start(command[0], Array(command.dropFirst()), input: input)
  }

  /// Starts the program on a private libvirtd and on a terminal of its own.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon whose URI is given with `-c`.
  ///   - arguments: What follows: more options, the command and its arguments.
  ///   - columns: The width of the terminal.
  /// - Returns: The terminal.
  /// - Throws: `CommandError` when it could not be started.
  package static func open(
    _ libvirt: PrivateLibvirt, _ arguments: [String] = [], columns: Int = 80
  ) throws(CommandError) -> PseudoTerminal {
    try PseudoTerminal(
      command(libvirt, arguments, as: .ofTheDaemon, environment: ["INPUTRC": "/dev/null"]),
      columns: columns)
  }

  /// What is executed: the program as a user, where that user can reach it.
  private static func command(
    _ libvirt: PrivateLibvirt, _ arguments: [String], as user: User, environment: [String: String]
  ) throws(CommandError) -> [String] {
    let prefix =
      switch user {
      case .ofTheDaemon: libvirt.clientPrefix
      case .ourselves: [String]()
      case .inContainer: ["unshare", "--pid", "--fork", "--mount-proc"] + libvirt.clientPrefix
      case .besideTheDaemon: libvirt.namespacePrefix + libvirt.clientPrefix
      }
    let copy = try ProgramCopy.reachable(path, libvirt, prefix: prefix)
    let variables = environment.merging(copy.environment) { given, _ in given }
    return prefix + (variables.isEmpty ? [] : ["env"] + variables.map { "\($0.key)=\($0.value)" })
      + [copy.path, "-c", libvirt.uri] + arguments
  }

  /// Runs the program and expects exit status 0.
  ///
  /// - Returns: What it printed.
  /// - Throws: `CommandError` with all it said, when it failed.
  @discardableResult
  package static func expectSuccess(_ libvirt: PrivateLibvirt, _ arguments: String...)
    throws(CommandError) -> String
  {
    try run(libvirt, arguments).expectSuccess().stdout
  }
}
