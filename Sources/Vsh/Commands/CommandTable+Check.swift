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
      if option.kind == .list, option.isPositional,
        options[(index + 1)...].contains(where: \.isPositional)
      {
        problems.append("option '\(option.name)' takes all words, and one after it takes some")
      }
      if option.isPositional {
        if option.isRequired, hasOptionalSlot {
          problems.append("option '\(option.name)' is required, those before it are not")
        }
        hasOptionalSlot = hasOptionalSlot || !option.isRequired
      }
    }
    return problems + ruleProblems
  }

  private var ruleProblems: [String] {
    let names = Set(options.filter { !$0.isAlias(orBool: false) }.map(\.name))
    var problems: [String] = []
    var excluded: Set<Set<String>> = []
    var required: Set<[String]> = []
    for (rule, other) in rules.flatMap({ rule in rule.others.map { (rule, $0) } }) {
      let pair = "'\(rule.name)' \(rule.kind.rawValue) '\(other)'"
      for name in [rule.name, other] where !names.contains(name) {
        problems.append("\(pair), and there is no option '\(name)'")
      }
      let isNew =
        switch rule.kind {
        case .excludes: excluded.insert([rule.name, other]).inserted
        case .requires: required.insert([rule.name, other]).inserted
        }
      if rule.name == other {
        problems.append("\(pair), which is itself")
      } else if !isNew {
        problems.append("\(pair), which a rule says already")
      }
    }
    for pair in required.sorted(by: { $0[0] < $1[0] }) where excluded.contains(Set(pair)) {
      problems.append("'\(pair[0])' both requires and excludes '\(pair[1])'")
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
