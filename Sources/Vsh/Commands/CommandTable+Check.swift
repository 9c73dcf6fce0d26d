// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension CommandTable {
  /// What is wrong with the table itself, a sentence each; nothing in a finished program.
  package var problems: [String] {
    var problems: [String] = []
    var names: Set<String> = []
    for command in commands {
      if !names.insert(command.name).inserted {
        problems.append("command '\(command.name)' is there twice")
      }
      if command.summary.isEmpty {
        problems.append("command '\(command.name)' has no summary")
      }
      problems += command.problems.map { "command '\(command.name)': \($0)" }
    }
    for (alias, name) in aliases.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
      problems.append("alias '\(alias)' stands for '\(name)', which does not exist")
    }
    return problems
  }
}

extension Command {
  fileprivate var problems: [String] {
    var problems: [String] = []
    var names: Set<String> = []
    var hasOptionalSlot = false
    for (index, option) in options.enumerated() {
      if !names.insert(option.name).inserted {
        problems.append("option '\(option.name)' is there twice")
      }
      if option.name == "help" || !"--\(option.name)".looksLikeOption {
        problems.append("option '\(option.name)' has a name that cannot be typed")
      }
      switch option.kind {
      case .alias(let target, let value):
        if !options.contains(where: { $0.name == target && !$0.isAlias(orBool: value != nil) }) {
          problems.append("alias '\(option.name)' stands for '\(target)', which it cannot")
        }
      case .bool, .string, .number, .list:
        if option.help.isEmpty {
          problems.append("option '\(option.name)' has no help")
        }
      }
      if option.kind == .list, index < options.count - 1 {
        problems.append("option '\(option.name)' takes a list and is not the last")
      }
      if option.isPositional {
        if option.isRequired, hasOptionalSlot {
          problems.append("option '\(option.name)' is required, those before it are not")
        }
        hasOptionalSlot = hasOptionalSlot || !option.isRequired
      }
    }
    return problems
  }
}

extension Option {
  fileprivate func isAlias(orBool excludesBool: Bool) -> Bool {
    switch kind {
    case .alias: true
    case .bool: excludesBool
    case .string, .number, .list: false
    }
  }
}
