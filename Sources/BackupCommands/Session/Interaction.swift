// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import LineEditor
import Vsh

extension Program {
  /// Reads commands from a prompt until the user leaves.
  @MainActor
  static func interact(_ shell: Shell<Client>) -> Int32 {
    shell.isInteractive = true
    let editor = LineEditor(
      name: "virsh-backup", historyPath: historyPath, historySize: historySize(shell)
    ) { line, _, _ in shell.completions(line: line) }
    shell.interact(
      welcome: """
        Welcome to \(shell.programName), backup and restore for libvirt domains.

        Type:  'help' for help with commands
               'quit' to quit


        """
    ) {
      editor.readLine(prompt: shell.context.isReadOnly ? "virsh-backup > " : "virsh-backup # ")
    }
    editor.writeHistory()
    return EXIT_SUCCESS
  }

  private static var historyPath: String? {
    if let cache = environment("XDG_CACHE_HOME") {
      return "\(cache)/libvirt/virsh-backup/history"
    }
    return environment("HOME").map { "\($0)/.cache/libvirt/virsh-backup/history" }
  }

  /// `$VIRSH_HISTSIZE`, as virsh reads it.
  private static func historySize(_ shell: Shell<Client>) -> Int {
    guard let text = environment("VIRSH_HISTSIZE") else { return 500 }
    guard let size = Int(text) else {
      shell.error("Bad $VIRSH_HISTSIZE value.")
      return 500
    }
    guard (0...500_000).contains(size) else {
      shell.error("$VIRSH_HISTSIZE value should be between 0 and 500000")
      return 500
    }
    return size
  }
}
