// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import Vsh

/// A prune at work: one domain after the other, whatever becomes of those before.
struct PruneRun {
  private let command: RunningCommand
  /// The rules of the command line; nil where those of the domains' policies count.
  private let rules: RetentionRules?

  /// Prepares a prune.
  init(_ command: RunningCommand, rules: RetentionRules?) {
    self.command = command
    self.rules = rules
  }

  private var shell: Shell<Client> { command.shell }
  private var arguments: Arguments { command.arguments }

  /// Shows what goes, and deletes it unless it is to be shown only.
  ///
  /// - Returns: Whether all went that was to go.
  /// - Throws: `ShellError` or ``BackupError`` where a domain is not known; what libvirt throws before
  ///   anything is deleted.
  func run() throws -> Bool {
    let engine = try command.engine()
    return try command.whileCaught {
      let isDryRun = arguments.flag("dry-run")
      let known = try engine.catalog()
      let (chosen, unreadable) = try rules(of: domains(in: known), in: known)
      let catalog = isDryRun ? known : try engine.settledCatalog(of: chosen.map(\.domain))
      let now = Workplace.process.time()
      let localTime = LocalTime(offset: Timestamp.offset(seconds:))
      var report = PruneReport(
        pool: engine.poolName, isDryRun: isDryRun,
        plans: engine.prunePlans(
          of: chosen.map {
            ($0.domain, PrunePlan.Basis(rules: $0.rules, now: now, localTime: localTime))
          }, in: catalog))
      for (uuid, failure) in unreadable { report.failures[uuid] = failure }
      let isText = !arguments.flag("json")
      if isText { report.show(on: shell) }
      if !isDryRun { try prune(&report, engine, isText: isText) }
      if !isText { try shell.present(report, arguments) }
      return report.failures.isEmpty
    }
  }

  /// The UUIDs of the domains that are named, each once, or of all that have a backup.
  private func domains(in catalog: Catalog) throws -> [String] {
    guard arguments.flag("all") else {
      var seen: Set<String> = []
      return try arguments.strings("domain").map {
        try command.workplace.domainUUID($0, in: catalog)
      }.filter { seen.insert($0).inserted }
    }
    // The newest name of a domain is its name.
    var names: [String: String] = [:]
    for point in catalog.points { names[point.manifest.domainUUID] = point.manifest.domainName }
    return names.keys.sorted { (names[$0] ?? "", $0) < (names[$1] ?? "", $1) }
  }

  /// The rules for each domain, and the failures of those whose policy cannot be read; with `--all` those
  /// are left out whose policy has none, or is off.
  private func rules(
    of domains: [String], in catalog: Catalog
  ) throws -> (chosen: [(domain: String, rules: RetentionRules)], unreadable: [String: ShellError])
  {
    if let rules { return (domains.map { ($0, rules) }, [:]) }
    let connection = try shell.context.connection()
    var found: [(domain: String, rules: RetentionRules)] = []
    var unreadable: [String: ShellError] = [:]
    for uuid in domains {
      // A domain that is gone has no policy any more.
      let domain = try unless(.noDomain) { try connection.domain(uuid: uuid) }
      let name = catalog.points(of: uuid).last?.manifest.domainName ?? domain?.name ?? uuid
      let policy: Policy?
      do {
        policy = try domain?.policy()
      } catch let error as DomainXMLError {
        let failure = ShellError("Failed to read the policy of domain '\(name)'", because: error)
        shell.report(failure)
        unreadable[uuid] = failure
        continue
      }
      if let policy, policy.hasRules, !(arguments.flag("all") && policy.isOff) {
        found.append((uuid, policy.rules))
      } else if !arguments.flag("all") {
        throw PruneRun.missingRule("the policy of domain '\(name)' has none")
      }
    }
    guard !found.isEmpty || !unreadable.isEmpty else {
      throw PruneRun.missingRule("no domain has a policy with one")
    }
    return (found, unreadable)
  }

  private static func missingRule(_ why: String) -> ShellError {
    ShellError(lines: [
      "a rule must be given that says what is kept: --keep-within, --keep-last, --keep-hourly, "
        + "--keep-daily, --keep-weekly, --keep-monthly or --keep-yearly", why,
    ])
  }

  private func prune(_ report: inout PruneReport, _ engine: Engine, isText: Bool) throws {
    for plan in report.plans where !plan.removed.isEmpty {
      let domain = plan.domainName
      do {
        try stopIfLate()
        let pruned = try engine.prune(plan, deadline: command.deadline)
        command.console.complete()
        report.pruned[plan.domainUUID] = pruned
        guard isText else { continue }
        // The next domains may take hours.
        shell.printExtra(PruneReport.text(pruned, domain: domain))
        shell.output.flush()
      } catch {
        command.console.begin()
        let failure = ShellError(
          "Failed to prune the backups of domain '\(domain)'", because: error)
        report.failures[plan.domainUUID] = failure
        shell.report(failure)
        // A user who asked to stop means all of it, and so does a connection that is gone.
        let code = (error as? BackupError)?.code
        let isLost = (try? shell.context.connection().isAlive) == false
        if code == .interrupted || code == .timedOut || code == .givenUp || isLost { return }
      }
    }
  }

  /// Stops before the next domain where there is no time for it.
  private func stopIfLate() throws {
    if shell.context.interrupt.isRequested { throw BackupError.interrupted }
    if let deadline = command.deadline, ContinuousClock.now >= deadline {
      throw BackupError.timedOut
    }
  }
}
