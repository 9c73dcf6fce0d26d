// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Builtins {
  /// `self-test`: checks the table of commands.
  static func selfTest<Context>() -> Command<Context> {
    Command(
      "self-test",
      summary: "check the table of commands",
      description: "Checks the table of commands. For the program's own tests.",
      options: [.bool("completers-missing", "list the options whose values are not completed")],
      needsConnection: false,
      isHidden: true
    ) { shell, arguments in
      let problems = shell.table.problems
      if !problems.isEmpty {
        throw ShellError(lines: problems)
      }
      if arguments.flag("completers-missing") {
        for command in shell.table.commands {
          let names = command.options.filter { $0.kind == .string && $0.completer == nil }
            .map(\.name)
          if !names.isEmpty {
            shell.print("\(command.name): \(names.joined(separator: ", "))")
          }
        }
      }
      return true
    }
  }
}
