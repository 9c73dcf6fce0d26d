// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Builtins {
  /// `help`: explains everything, a group or a command.
  static func help<Context>() -> Command<Context> {
    Command(
      "help",
      summary: "print help",
      description: "Explains a command, lists a group of commands, or lists all of them.",
      options: [
        .string(
          "command", "the command or the group to explain", positional: true, allowsEmpty: true,
          completer: { shell, request in
            let own = shell.table.commands.filter { !$0.isHidden }.map(\.name)
            let others = shell.foreign?.complete(shell, [request.word]) ?? []
            return own + others.filter { !own.contains($0) }
          })
      ],
      needsConnection: false
    ) { shell, arguments in
      guard let topic = arguments.raw("command"), !topic.isEmpty else {
        shell.print("Grouped commands:\n")
        for group in shell.table.groups {
          shell.print(group.helpText())
        }
        if let hint = shell.foreign?.hint { shell.print(hint + "\n") }
        return true
      }
      if let command = shell.table.command(named: topic) {
        shell.print(command.helpText, terminator: "")
        return true
      }
      if let group = shell.table.group(named: topic) {
        let others = (shell.foreign?.groupLines(shell, group.keyword) ?? []).filter { line in
          !group.commands.contains { line.hasPrefix("    \($0.name) ") }
        }
        shell.print(group.helpText(others: others), terminator: "")
        return true
      }
      if let isSuccess = try shell.foreign?.help(shell, topic) {
        return isSuccess
      }
      throw ShellError("command or command group '\(topic)' doesn't exist")
    }
  }
}
