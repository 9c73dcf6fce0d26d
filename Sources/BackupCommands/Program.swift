// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import Libvirt
import LineEditor
import Vsh

/// The program: what `main` calls.
public enum Program {
  /// Our version.
  static let version = "0.1.0"

  /// All commands, ours first.
  static var table: CommandTable<Client> {
    CommandTable(groups: [
      CommandGroup(
        name: "Backup", keyword: "backup",
        commands: [
          .backupCreate, .backupDelete, .backupDesc, .backupFinishNBD, .backupForget, .backupInfo,
          .backupJobabort, .backupJobinfo, .backupList, .backupPolicy, .backupProtect, .backupPrune,
          .backupRestore, .backupRun, .backupSetspeed, .backupStartNBD, .backupVerify, .backupGuard,
        ]),
      CommandGroup(
        name: "Virsh itself", keyword: "virsh",
        commands: Builtins.commands() + [.connect]),
    ])
  }

  /// Runs the program.
  ///
  /// - Parameter words: The bytes of the command line's words, the program's name first.
  /// - Returns: The exit status.
  @MainActor
  public static func run(_ words: [some Collection<UInt8>]) -> Int32 {
    setlocale(LC_ALL, "")
    ParentWatch.startIfAsked()
    let arguments = words.map { String(rawBytes: $0) }
    let name = arguments.first?.split(separator: "/").last.map(String.init) ?? "virsh-backup"
    let output = Output.standard
    guard let (options, log) = Program.options(in: arguments, name: name, output: output) else {
      return EXIT_FAILURE
    }
    let client = Client(
      uri: options.uri ?? environment("VIRSH_DEFAULT_CONNECT_URI"),
      isReadOnly: options.isReadOnly,
      keepalive: (options.keepaliveInterval, options.keepaliveCount.map(UInt32.init)),
      defaultPool: environment("VIRSH_BACKUP_POOL"))
    let shell = Shell(programName: name, table: table, context: client, output: output)
    client.shell = shell
    shell.isQuiet = options.isQuiet
    shell.isTimed = options.isTimed
    shell.debugLevel = options.debugLevel ?? .error
    shell.connect = { shell in try shell.context.connect(for: shell) }
    shell.explain = { shell in shell.context.noteLoss(on: shell) }
    let virsh = Virsh(options)
    shell.foreign = virsh?.foreignCommands
    shell.log = log

    switch options.action {
    case .help:
      shell.print(shell.usageText, terminator: "")
      return EXIT_SUCCESS
    case .version(let isLong):
      shell.print(isLong ? longVersion : version)
      return EXIT_SUCCESS
    case .run:
      if let virsh, shell.isForeign(commandWords: options.words) {
        shell.error(virsh.replaceUs(shell, options.words))
        return EXIT_FAILURE
      }
      return options.words.isEmpty
        ? interact(shell, connectsFirst: options.uri != nil)
        : runOnce(shell, words: options.words, connectsFirst: options.uri != nil)
    }
  }

  private static func runOnce(
    _ shell: Shell<Client>, words: [String], connectsFirst: Bool
  ) -> Int32 {
    do {
      let steps = try shell.parse(commandWords: words)
      // A Tab in another shell must not hang, whatever it waits for.
      if words.first == "complete" { TimeLimit.start(seconds: 10) }
      if connectsFirst { _ = try shell.context.connection() }
      return shell.run(steps) ? EXIT_SUCCESS : EXIT_FAILURE
    } catch {
      shell.report(error)
      return EXIT_FAILURE
    }
  }

  private static var longVersion: String {
    guard let libvirt = try? Connection.clientVersion else { return "virsh-backup \(version)" }
    return """
      virsh-backup \(version)
      Using library: libvirt \(libvirt / 1_000_000).\(libvirt / 1000 % 1000).\(libvirt % 1000)
      """
  }

  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
