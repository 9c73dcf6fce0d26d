// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

/// What a shell under test works on, and where it writes to.
final class Recorder {
  /// Standard output.
  var out = ""
  /// Standard error.
  var err = ""
  /// Both, standard error between angle brackets, `!` where standard output was flushed.
  var all = ""
  /// What the handlers noted.
  var notes: [String] = []

  /// An output that ends up here.
  var output: Output {
    Output(
      write: { text in
        self.out += text
        self.all += text
      },
      writeError: { text in
        self.err += text
        self.all += "<\(text)>"
      },
      flush: { self.all += "!" })
  }
}

/// A shell with a few commands in the shapes that virsh has.
///
/// - Parameter configure: Changes the shell before it is used.
/// - Returns: The shell; its context is where it writes to.
func makeShell(_ configure: (Shell<Recorder>) -> Void = { _ in }) -> Shell<Recorder> {
  let recorder = Recorder()
  let table = CommandTable(
    groups: [
      CommandGroup(
        name: "Backup", keyword: "backup", commands: [.begin, .vcpus, .monitor, .event, .fail]),
      CommandGroup(name: "Virsh itself", keyword: "virsh", commands: Builtins.commands()),
    ])
  let shell = Shell(
    programName: "virsh-backup", table: table, context: recorder, output: recorder.output)
  configure(shell)
  return shell
}

extension Command where Context == Recorder {
  private static var domain: Vsh.Option<Recorder> {
    .string("domain", "domain name, id or uuid", required: true) { _, _ in
      ["test", "web 1", "web@2", "other"]
    }
  }

  /// A command with optional positional options.
  static var begin: Self {
    Command(
      "backup-begin", summary: "start a backup", description: "Starts a backup.",
      options: [
        domain,
        .string("backupxml", "backup XML", positional: true),
        .string("checkpointxml", "checkpoint XML", positional: true),
        .bool("reuse-external", "reuse files"),
      ], handler: note)
  }

  /// A command with a required number.
  static var vcpus: Self {
    Command(
      "setvcpus", summary: "change the number of processors",
      options: [
        domain, .number("count", "the number", required: true), .bool("config", "at next start"),
      ], handler: note)
  }

  /// A command with a required list.
  static var monitor: Self {
    Command(
      "monitor", summary: "send a command",
      options: [domain, .list("cmd", "words", required: true)],
      handler: note)
  }

  /// A command all of whose options must be named.
  static var event: Self {
    Command(
      "event", summary: "wait for events",
      options: [
        .string("domain", "domain name"),
        .string("type", "a type") { _, _ in ["dir", "fs", "disk"] },
        .number("timeout", "seconds"), .bool("loop", "again and again"),
        .string("path", "where", placeholder: "file"),
      ], needsConnection: false, handler: note)
  }

  /// A command that fails with two lines.
  static var fail: Self {
    Command("fail", summary: "fail", needsConnection: false) { shell, _ in
      shell.print("before")
      throw ShellError(lines: ["cannot do it", "it is broken"])
    }
  }

  private static func note(_ shell: Shell<Recorder>, _ arguments: Arguments) throws -> Bool {
    let values = arguments.values.map { "\($0.name)=\($0.text ?? "-")" }
    shell.context.notes.append(([arguments.command] + values).joined(separator: " "))
    return true
  }
}
