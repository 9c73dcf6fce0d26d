// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt
import Vsh

/// A command of ours at work on one pool, with what all such commands read from their options.
///
/// A handler makes one, looks up what the command is about, and calls one verb of the engine.
struct RunningCommand {
  /// The shell that runs the command.
  let shell: Shell<Client>
  /// Options and values that the user gave the command.
  let arguments: Arguments
  /// The connection's hypervisor and pools.
  let workplace: Workplace
  /// Console on which the user sees notices and progress of the engine.
  let console: Console
  /// Time at which the command gives up; nil for never, as where `--timeout` is not given.
  let deadline: ContinuousClock.Instant?

  /// Begins a command.
  ///
  /// - Parameters:
  ///   - shell: The shell that runs the command.
  ///   - arguments: What the command was given.
  ///   - label: What the progress is of.
  ///   - usesErrorOutput: Whether notices go to standard error; with `--json` they always do.
  /// - Throws: `ShellError` for a `--timeout` that makes no sense, and where there is no connection.
  init(
    _ shell: Shell<Client>, _ arguments: Arguments, label: String = "Backup",
    usesErrorOutput: Bool = false
  ) throws {
    self.shell = shell
    self.arguments = arguments
    deadline = try Workplace.deadline(arguments)
    workplace = try Workplace(shell)
    console = Console(
      shell, label: label, isVerbose: arguments.flag("verbose"),
      usesErrorOutput: usesErrorOutput || arguments.flag("json"))
  }

  /// Makes the engine for the pool that `--pool` names.
  ///
  /// - Returns: The engine.
  /// - Throws: What ``Pools/repository(_:)`` throws.
  func engine() throws -> Engine {
    try workplace.engine(pool: try arguments.string("pool"), observer: console)
  }

  /// Finds the UUID of the domain that is named, which exists or is recorded in the pool.
  ///
  /// - Parameter catalog: The pool.
  /// - Returns: The UUID.
  /// - Throws: ``BackupError`` when there is neither.
  func domainUUID(in catalog: Catalog) throws -> String {
    try workplace.domainUUID(try arguments.required("domain"), in: catalog)
  }

  /// Finds a point of the domain that is named.
  ///
  /// - Parameters:
  ///   - name: The name or UUID of the point.
  ///   - catalog: The pool.
  /// - Returns: The point.
  /// - Throws: ``BackupError`` when there is no such domain or point.
  func point(_ name: String, in catalog: Catalog) throws -> Point {
    try catalog.point(
      name, of: domainUUID(in: catalog), named: try arguments.required("domain"))
  }

  /// Does the work of the command, with ^C, SIGTERM and the deadline noted for the engine to see.
  ///
  /// - Parameters:
  ///   - endsSilentHelpers: Whether a helper domain that does not answer is ended unasked.
  ///   - isQuiesced: Whether it needs the guest's agent; where none answers the user learns what that
  ///     takes.
  ///   - body: The work.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws.
  func whileCaught<Result>(
    endsSilentHelpers: Bool = false, isQuiesced: Bool = false, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try shell.context.interrupt.whileCaught(
        deadline: deadline, endsSilentHelpers: endsSilentHelpers, body)
    } catch let error as LibvirtError where isQuiesced && error.isOfMissingAgent {
      throw ShellError(
        lines: [error.message],
        hints: [
          "--quiesce needs the package qemu-guest-agent in the guest, running, and in the domain the",
          "channel 'org.qemu.guest_agent.0'; without --quiesce the data is as after a power cut",
        ])
    }
  }
}
