// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Libvirt
import Vsh

/// Candidates for the values of options.
///
/// They ask, and change nothing: not even a pool is made for a directory that has none.
enum Completers {
  /// Names of all domains.
  static let domains: Option.Completer = { shell, _ in
    guard let connection = try? shell.context.connection(),
      let domains = try? connection.domains()
    else { return [] }
    return domains.map(\.name)
  }

  /// Names of running domains.
  static let runningDomains: Option.Completer = { shell, _ in
    guard let connection = try? shell.context.connection(),
      let domains = try? connection.domains(.active)
    else { return [] }
    return domains.map(\.name)
  }

  /// Names of domains that exist or have a backup in the pool.
  static let recordedDomains: Option.Completer = { shell, request in
    let recorded = catalog(shell, request)?.points.map(\.manifest.domainName) ?? []
    return Array(Set(domains(shell, request) + recorded)).sorted()
  }

  /// Names of active pools.
  static let pools: Option.Completer = { shell, _ in
    guard let connection = try? shell.context.connection(),
      let pools = try? connection.storagePools(activeOnly: true)
    else { return [] }
    return pools.map(\.name)
  }

  /// Names of the backups of the domain that was typed; of all domains where none was.
  static let backups: Option.Completer = { shell, request in
    guard let catalog = catalog(shell, request) else { return [] }
    guard let domain = request.arguments.raw("domain") else {
      return Array(Set(catalog.points.map(\.manifest.name))).sorted()
    }
    guard let uuid = try? Workplace(shell).domainUUID(domain, in: catalog) else { return [] }
    return catalog.points(of: uuid).map(\.manifest.name)
  }

  /// Disks of the domain that was typed.
  static let disks: Option.Completer = { shell, request in
    guard let name = request.arguments.raw("domain"),
      let disks = try? domainDisks(shell, name)
    else { return [] }
    return disks
  }

  /// Disks of the domain that was typed, and what `backup-create` takes behind the comma.
  static let disksToBackUp: Option.Completer = { shell, request in
    let bases = backups(shell, request).map { "incremental=\($0)" }
    return specifications(
      request, disks: disks(shell, request),
      attributes: ["backup=yes", "backup=no", "backupmode=full", "backupmode=incremental"] + bases)
  }

  /// Names of the NBD sessions of the domain that was typed.
  static let sessions: Option.Completer = { shell, request in
    guard let catalog = catalog(shell, request),
      let domain = request.arguments.raw("domain"),
      let uuid = try? Workplace(shell).domainUUID(domain, in: catalog)
    else { return [] }
    return catalog.pending(of: uuid).filter { $0.partial.session != nil }.map(\.partial.pointName)
  }

  /// Names of what the changes on the domain that was typed can be counted from.
  static let sessionsAndBackups: Option.Completer = { shell, request in
    guard let domain = request.arguments.raw("domain"),
      let uuid = try? shell.context.domain(domain).uuid, let workplace = try? Workplace(shell),
      let guest = try? workplace.hypervisor.guest(uuid: uuid)
    else { return backups(shell, request) }
    return ((try? guest.monitor.finishedSessions()) ?? []) + backups(shell, request)
  }

  /// Files of the client's machine.
  static let files: Option.Completer = { _, request in LocalFile.paths(from: request.word) }

  /// Disks of the backup that was typed, and what `backup-restore` takes behind the comma.
  static let disksToRestore: Option.Completer = { shell, request in
    let disks = disksOfBackup(shell, request)
    guard !disks.isEmpty else { return [] }
    let targets = pools(shell, request).map { "pool=\($0)" }
    return specifications(
      request, disks: disks,
      attributes: ["driver=qcow2", "driver=raw", "stype=block", "stype=file"] + targets)
  }

  /// Disks that all the backups have that were typed; those of the newest where none was.
  static let disksOfBackup: Option.Completer = { shell, request in
    guard let catalog = catalog(shell, request), let domain = request.arguments.raw("domain"),
      let uuid = try? Workplace(shell).domainUUID(domain, in: catalog)
    else { return [] }
    let names = request.arguments.strings("backupname")
    let points = names.isEmpty ? [nil] : names.map(Optional.some)
    guard let found = try? points.map({ try catalog.point($0, of: uuid) }), let first = found.first
    else { return [] }
    return first.manifest.disks.map(\.name).filter { disk in found.allSatisfy { $0.has(disk) } }
  }

  private static func specifications(
    _ request: CompletionRequest, disks: [String], attributes: [String]
  ) -> [String] {
    guard let comma = request.word.lastIndex(of: ",") else { return disks }
    let before = request.word[...comma]
    let given = before.split(separator: ",").map { $0.prefix { $0 != "=" } }
    return attributes.filter { !given.contains($0.prefix { $0 != "=" }) }.map { before + $0 }
  }

  private static func catalog(_ shell: Shell<Client>, _ request: CompletionRequest) -> Catalog? {
    guard let workplace = try? Workplace(shell),
      let repository = try? workplace.pools.existingRepository(request.arguments.raw("pool"))
    else { return nil }
    return try? Catalog(of: repository, refresh: false)
  }

  private static func domainDisks(_ shell: Shell<Client>, _ name: String) throws -> [String] {
    let domain = try shell.context.domain(name)
    return try DomainDefinition(parsing: try domain.xmlDescription()).disks.map(\.target)
  }
}
