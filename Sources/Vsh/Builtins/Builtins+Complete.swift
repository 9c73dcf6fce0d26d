// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Builtins {
  /// `complete`: prints the candidates for the last of the words, for completion in other shells.
  static func complete<Context>() -> Command<Context> {
    Command(
      "complete",
      summary: "list completions",
      description: "Lists what the last word may become. For the completion of other shells.",
      options: [.list("string", "the words of a command line, up to the cursor")],
      isHidden: true
    ) { shell, arguments in
      let candidates = shell.completions(words: arguments.strings("string"))
      for candidate in candidates {
        shell.print(candidate)
      }
      return !candidates.isEmpty
    }
  }
}
