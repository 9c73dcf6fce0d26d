// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
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
    let recorded = (try? catalog(shell, request))?.points.map(\.manifest.domainName) ?? []
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
    guard let catalog = try? catalog(shell, request) else { return [] }
    guard let domain = request.arguments.raw("domain") else {
      return Array(Set(catalog.points.map(\.manifest.name))).sorted()
    }
    guard let uuid = try? Workplace(shell).domainUUID(domain, in: catalog) else { return [] }
    return catalog.points(of: uuid).map(\.manifest.name)
  }

  /// Disks of the domain that was typed, and what `backup-create` takes behind the comma.
  static let disksToBackUp: Option.Completer = { shell, request in
    specifications(
      request, disks: (try? disks(shell, request)) ?? [],
      attributes: ["backup=yes", "backup=no", "backupmode=full", "backupmode=incremental"]
        + backups(shell, request).map { "incremental=\($0)" })
  }

  /// Disks of the backup that was typed, and what `backup-restore` takes behind the comma.
  static let disksToRestore: Option.Completer = { shell, request in
    specifications(
      request, disks: (try? recordedDisks(shell, request)) ?? [],
      attributes: ["driver=qcow2", "driver=raw"] + pools(shell, request).map { "pool=\($0)" })
  }

  private static func specifications(
    _ request: CompletionRequest, disks: [String], attributes: [String]
  ) -> [String] {
    guard let comma = request.word.lastIndex(of: ",") else { return disks }
    let before = request.word[...comma]
    let given = before.split(separator: ",").map { $0.prefix { $0 != "=" } }
    return attributes.filter { !given.contains($0.prefix { $0 != "=" }) }.map { before + $0 }
  }

  private static func catalog(
    _ shell: Shell<Client>, _ request: CompletionRequest
  ) throws -> Catalog {
    let pool = request.arguments.raw("pool")
    return try Catalog(
      of: try Workplace(shell).pools.existingRepository(pool), refresh: false)
  }

  private static func disks(
    _ shell: Shell<Client>, _ request: CompletionRequest
  ) throws -> [String] {
    let domain = try shell.context.domain(try request.arguments.required("domain"))
    return try DomainDefinition(parsing: try domain.xmlDescription()).disks.map(\.target)
  }

  private static func recordedDisks(
    _ shell: Shell<Client>, _ request: CompletionRequest
  ) throws -> [String] {
    let catalog = try catalog(shell, request)
    let uuid = try Workplace(shell).domainUUID(
      try request.arguments.required("domain"), in: catalog)
    return try catalog.point(request.arguments.raw("backupname"), of: uuid)
      .manifest.disks.map(\.name)
  }
}
