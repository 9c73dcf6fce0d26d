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
/// They ask, and change nothing.
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

  /// Names of the backups of the domain that was typed.
  static let backups: Option.Completer = { shell, request in
    guard let catalog = catalog(shell, request), let domain = request.arguments.raw("domain"),
      let uuid = try? Workplace(shell).domainUUID(domain, in: catalog)
    else { return [] }
    return catalog.points(of: uuid).map(\.manifest.name)
  }

  /// Names of the NBD sessions of the domain that was typed.
  static let sessions: Option.Completer = { shell, request in
    guard let catalog = catalog(shell, request), let domain = request.arguments.raw("domain"),
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

  /// Disks of the domain that was typed.
  static let disks: Option.Completer = { shell, request in
    guard let name = request.arguments.raw("domain"),
      let disks = try? domainDisks(shell, name)
    else { return [] }
    return disks
  }

  private static func catalog(_ shell: Shell<Client>, _ request: CompletionRequest) -> Catalog? {
    guard let workplace = try? Workplace(shell),
      let repository = try? workplace.pools.repository(request.arguments.raw("pool"))
    else { return nil }
    return try? Catalog(of: repository, refresh: false)
  }

  private static func domainDisks(_ shell: Shell<Client>, _ name: String) throws -> [String] {
    let domain = try shell.context.domain(name)
    return try DomainDefinition(parsing: try domain.xmlDescription()).disks.map(\.target)
  }
}
