// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport

extension CommandShell {
  /// The program's prompt.
  static let prompt = "virsh-backup # "

  /// Starts a program on a terminal, connected to the host and with a cache of its own.
  ///
  /// - Parameters:
  ///   - program: The program; ours, unless told.
  ///   - arguments: Its arguments.
  ///   - environment: Variables set for it.
  /// - Returns: The terminal.
  /// - Throws: `CommandError` when it could not be started.
  func terminal(
    _ program: String = TestSupport.Program.path, arguments: [String] = [],
    environment: [String: String] = [:]
  ) throws -> PseudoTerminal {
    let variables = [
      "XDG_CACHE_HOME": "\(directory)/cache", "INPUTRC": "/dev/null", "VIRSH_HISTSIZE": "500",
      "VIRSH_DEFAULT_CONNECT_URI": uri,
    ]
    return try PseudoTerminal(
      [program] + arguments, environment: variables.merging(environment) { $1 })
  }

  /// The file with the lines that were typed into `virsh` or `virsh-backup`.
  func history(of program: String) -> String {
    "\(directory)/cache/libvirt/\(program)/history"
  }
}
