// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP
import Vsh

/// The plan of a run, which `backup-run --dry-run` shows.
struct RunPlan: Presentable {
  /// The domains, by name.
  let tasks: [RunTask]
  /// The pool of those whose policy names none.
  let defaultPool: String

  /// True when every policy can be read; the command fails otherwise.
  var isGood: Bool { tasks.allSatisfy { $0.problem == nil } }

  func show(on shell: Shell<Client>) {
    for task in tasks {
      if let problem = task.problem { shell.error("\(task.name): \(problem)") }
    }
    var table = Table("Domain", "Policy", "Pool", "Steps")
    for task in tasks {
      table.append(task.name, state(of: task), task.policy.pool ?? defaultPool, steps(of: task))
    }
    shell.print(table)
  }

  var json: JSONValue {
    .object([
      "domains": .array(
        tasks.map { task in
          .object([
            "domain": .string(task.name), "domain_uuid": .string(task.uuid),
            "policy": .string(state(of: task)), "pool": .string(task.policy.pool ?? defaultPool),
            "steps": .string(steps(of: task)),
            "problem": task.problem.map(JSONValue.string) ?? .null,
          ])
        })
    ])
  }

  private func state(of task: RunTask) -> String {
    if task.problem != nil { return "unreadable" }
    if task.policy.isOff { return "off" }
    return task.isDefault ? "none" : "yes"
  }

  private func steps(of task: RunTask) -> String {
    task.policy.isOff || task.problem != nil ? "-" : task.steps
  }
}
