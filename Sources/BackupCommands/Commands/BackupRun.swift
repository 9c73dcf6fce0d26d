// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import Libvirt
import QMP
import Vsh

extension Vsh.Command where Context == Client {
  /// `backup-run`: what is to be done every night.
  static var backupRun: Command {
    Command(
      "backup-run", summary: "Back up all domains by their policies",
      description: """
        Back up each domain that has a policy (see backup-policy), remove the backups that its rules \
        do not keep, and verify what is due; then show what became of each in one table. With --all \
        every domain that no policy leaves out is backed up, and domains that are named are backed up \
        whether they have a policy or not. Several domains are worked on at a time, and one that fails \
        or hangs keeps no other from its turn. Exit status 1 where a domain has no new backup.
        """,
      options: [
        .bool("all", "also domains that have no policy, by defaults"),
        .number("jobs", "how many domains are worked on at a time; 2 if not given"),
        .bool("dry-run", "show what would be done, and do nothing"),
        .bool("strict", "fail also where a full was not asked for, or anything else went wrong"),
        .string("hook", "shell command that gets the result as JSON", placeholder: "command"),
        .string(
          "metrics", "file for the result as Prometheus metrics", completer: Completers.files),
        .json,
        .duration("timeout", "end each step on a domain after that time (90s, 5m, 2h)"),
        .bool("verbose", "tell what begins and ends"),
        .list("domain", "domain name, id or uuid", completer: Completers.domains),
      ],
      rules: [
        .excludes("all", "domain"), .excludes("dry-run", "hook", "metrics"),
      ]
    ) { shell, arguments in
      try BackupRun(shell, arguments).run()
    }
  }
}

/// A run at work.
private struct BackupRun {
  private let shell: Shell<Client>
  private let arguments: Arguments
  private let jobs: Int
  private let limit: Duration?
  private let metrics: ReplacedFile?
  private let hookCommand: String?

  /// Reads the options.
  ///
  /// - Throws: `ShellError` for a value that makes no sense.
  init(_ shell: Shell<Client>, _ arguments: Arguments) throws {
    self.shell = shell
    self.arguments = arguments
    let jobs = try arguments.number("jobs", as: Int32.self) ?? 2
    guard jobs > 0 else {
      throw ShellError("Numeric value '\(jobs)' for <jobs> option is malformed or out of range")
    }
    self.jobs = Int(jobs)
    limit = try arguments.duration("timeout").map { .seconds($0) }
    metrics = try arguments.string("metrics").map(ReplacedFile.init)
    hookCommand = try arguments.string("hook")
  }

  /// Runs it.
  ///
  /// - Returns: Whether each domain has a new backup.
  /// - Throws: `ShellError` where there is nothing to do or another run is at work; what libvirt throws.
  func run() throws -> Bool {
    let client = shell.context
    guard !client.isReadOnly || arguments.flag("dry-run") else {
      throw ShellError("a read-only connection can make no backups; without -r it can")
    }
    let connection = try client.connection()
    let named = try arguments.strings("domain").map { try client.domain($0) }
    let (tasks, names) = try RunTask.tasks(
      on: connection, named: named, takesAll: arguments.flag("all"))
    guard !tasks.isEmpty else {
      throw ShellError(
        lines: arguments.flag("all")
          ? ["there is no domain to back up"]
          : [
            "no domain has a policy, so that nothing is backed up",
            "backup-policy DOMAIN --keep-daily 7 makes one; --all takes domains without one too",
          ])
    }
    if arguments.flag("dry-run") {
      let plan = RunPlan(
        tasks: tasks, defaultPool: shell.context.defaultPool ?? Pools.fallback)
      try shell.present(plan, arguments)
      return plan.isGood
    }
    try metrics?.check()
    let uri = try connection.uri
    let lock = try RunLock(uri: uri)
    defer { withExtendedLifetime(lock) {} }
    let report = work(tasks, uri: uri)
    for message in report.messages { shell.error(message) }
    try shell.present(report, arguments)
    shell.output.flush()
    let isTold = try tell(report, names: names)
    return isTold && report.isGood(strictly: arguments.flag("strict"))
  }

  /// Works on the domains.
  private func work(_ tasks: [RunTask], uri: String) -> RunReport {
    let client = shell.context
    let program = RunProgram(client, limit: limit)
    let began = program.time()
    let runs = tasks.map { task in
      DomainRun(task, program) { text in
        if arguments.flag("verbose") { shell.printNotice("\(task.name): \(text)") }
      }
    }
    let crew = Crew(jobs: jobs, stop: client.interrupt.fileDescriptor)
    client.interrupt.whileCaught { crew.run(runs.filter { !$0.report.task.policy.isOff }) }
    return RunReport(
      uri: uri, began: began, ended: program.time(), wasStopped: crew.wasStopped,
      domains: runs.map(\.report))
  }

  /// Writes the metrics and calls the hook.
  ///
  /// - Returns: Whether both went well.
  private func tell(_ report: RunReport, names: Set<String>) throws -> Bool {
    var isTold = true
    if let metrics {
      do {
        try metrics.write(
          RunMetrics(report, before: metrics.content, domains: names).text)
      } catch {
        shell.report(error)
        isTold = false
      }
    }
    guard let command = hookCommand else { return isTold }
    let hook = RunHook(command, document: report.json.text + "\n", limit: limit)
    let client = shell.context
    client.interrupt.whileCaught {
      Crew(jobs: 1, stop: client.interrupt.fileDescriptor).run([hook])
    }
    if let outcome = hook.outcome {
      // With --json the standard output has one document.
      arguments.flag("json")
        ? shell.output.writeError(outcome.output) : shell.output.write(outcome.output)
      shell.output.writeError(outcome.errors)
    }
    if let failure = hook.failure {
      shell.error(failure)
      isTold = false
    }
    return isTold
  }
}
