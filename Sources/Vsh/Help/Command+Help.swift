// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Command {
  /// The command's own help page.
  package var helpText: String {
    var text = "  NAME\n    \(name) - \(summary)\n\n  SYNOPSIS\n    \(synopsis)\n\n"
    let explanation = (description.isEmpty ? [] : [description]) + ruleSentences
    if !explanation.isEmpty {
      text += "  DESCRIPTION\n" + explanation.map { "    \($0)\n" }.joined() + "\n"
    }
    if !options.isEmpty {
      text += "  OPTIONS\n"
      for option in shownOptions {
        let label = label(of: option)
        let padding = String(repeating: " ", count: max(0, 15 - label.utf8.count))
        text += "    \(label)\(padding)  \(option.help)\n"
      }
      text += "\n"
    }
    return text
  }

  /// The command and what it takes, in one line.
  package var synopsis: String {
    ([name] + shownOptions.map(usage)).joined(separator: " ")
  }

  private var shownOptions: [Option<Context>] { options.filter { !$0.isHidden } }

  /// Whether the name of a list must be told from its values: another word may come before them.
  private var namesList: Bool {
    options.contains { $0.isPositional && $0.isRequired && $0.kind != .list }
  }

  private func usage(of option: Option<Context>) -> String {
    let named = "--\(option.name) <\(option.valueName)>"
    switch option.kind {
    case .bool, .alias:
      return "[--\(option.name)]"
    case .string, .number:
      guard option.isRequired else { return "[\(named)]" }
      return option.isPositional ? "<\(option.name)>" : named
    case .list where !option.isPositional:
      return option.isRequired ? "{\(named)}..." : "[\(named)]..."
    case .list where namesList:
      let value = "[--\(option.name)] <\(option.valueName)>"
      return option.isRequired ? "{\(value)}..." : "[\(value)]..."
    case .list:
      return option.isRequired ? "<\(option.name)>..." : "[<\(option.name)>]..."
    }
  }

  private func label(of option: Option<Context>) -> String {
    let value = "<\(option.valueName)>"
    switch option.kind {
    case .bool, .alias:
      return "--\(option.name)"
    case .string, .number:
      let isBare = option.isRequired && option.isPositional
      return isBare ? "[--\(option.name)] \(value)" : "--\(option.name) \(value)"
    case .list where !option.isPositional:
      return "--\(option.name) \(value)"
    case .list:
      return namesList ? "[--\(option.name)] \(value)" : "<\(option.name)>"
    }
  }
}
