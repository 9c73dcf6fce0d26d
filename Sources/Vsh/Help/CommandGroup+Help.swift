// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension CommandGroup {
  /// The group's heading and its commands.
  ///
  /// - Parameters:
  ///   - colon: Whether a colon follows the heading; it does but in the program's usage.
  ///   - others: Lines about commands of another program, which come after ours.
  /// - Returns: The lines, a newline after each.
  package func helpText(colon: Bool = true, others: [String] = []) -> String {
    var text = " \(name) (help keyword '\(keyword)')\(colon ? ":" : "")\n"
    for command in commands where !command.isHidden {
      let padding = String(repeating: " ", count: max(0, 30 - command.name.utf8.count))
      text += "    \(command.name)\(padding) \(command.summary)\n"
    }
    return text + others.map { "\($0)\n" }.joined()
  }
}
