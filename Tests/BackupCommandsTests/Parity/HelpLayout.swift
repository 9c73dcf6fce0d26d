// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Help without its prose, which is in our own words.
enum HelpLayout {
  /// The text with every explanation cut out, and of all groups only the one of the shell's own
  /// commands.
  static func layout(of text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if let end = lines.firstIndex(of: "  commands (non interactive mode):") {
      // Options are explained from column 28 on.
      return (lines[...end].map { String($0.prefix(28)) } + ownGroup(in: lines))
        .joined(separator: "\n")
    }
    if lines.first == "Grouped commands:" { lines = lines[..<2] + ownGroup(in: lines) }
    var section = ""
    var kept: [String] = []
    for line in lines {
      if line.hasPrefix("  "), !line.hasPrefix("   ") { section = line }
      switch section {
      case "  NAME": kept.append(line.replacing(#/ - .*/#, with: " -"))
      case "  DESCRIPTION" where line.hasPrefix("    "): continue
      case "  OPTIONS": kept.append(line.replacing(#/^(    \S+( <\S+>)? +).*/#) { $0.1 })
      case "": kept.append(line.hasPrefix("    ") ? String(line.prefix(35)) : line)
      default: kept.append(line)
      }
    }
    return kept.joined(separator: "\n")
  }

  private static func ownGroup(in lines: [String]) -> [String] {
    lines.drop { !$0.hasPrefix(" Virsh itself ") }.prefix { !$0.isEmpty }
      .map { $0.hasPrefix("    ") ? String($0.prefix(35)) : $0 }
  }
}
