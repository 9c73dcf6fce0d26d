// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Glibc
import Libvirt
import Vsh

/// A command at work: the engine for one pool, and what it finds on the way.
struct Workplace {
  let hypervisor: LibvirtHypervisor
  let pools: Pools
  let shell: Shell<Client>

  /// Prepares for a command.
  init(_ shell: Shell<Client>) throws {
    let client = shell.context
    let connection = try client.connection()
    hypervisor = LibvirtHypervisor(connection, interrupt: client.interrupt)
    pools = Pools(connection, hypervisor: hypervisor, defaultPool: client.defaultPool)
    self.shell = shell
  }

  /// The engine for a pool.
  ///
  /// - Parameters:
  ///   - pool: What `--pool` says.
  ///   - observer: Who is told how far the work is.
  /// - Returns: The engine.
  /// - Throws: What ``Pools/repository(_:)`` throws.
  func engine(pool: String?, observer: any Observer) throws -> Engine {
    Engine(
      repository: try pools.repository(pool), hypervisor: hypervisor, observer: observer,
      process: Workplace.process)
  }

  /// This process, for the engine.
  static let process = ClientProcess(
    owner: ProcessIdentity.own, liveness: ProcessIdentity.liveness(of:),
    bootTime: ProcessIdentity.bootTime(),
    time: { Int64(time(nil)) }, newUUID: UUIDs.random)

  /// The domain a user means: one that exists, else one that is recorded in the pool.
  ///
  /// - Throws: ``BackupError`` when there is neither.
  func domainUUID(_ text: String, in catalog: Catalog) throws -> String {
    if let domain = try shell.context.domainIfAny(text) { return domain.uuid }
    return try catalog.recordedDomain(text)
  }

  /// Bytes per second that `--bandwidth` and `--bytes` allow; nil for no limit.
  ///
  /// - Throws: `ShellError` for a number that makes no sense.
  static func bandwidth(_ arguments: Arguments) throws -> UInt64? {
    let unit: UInt64 = arguments.flag("bytes") ? 1 : 1 << 20
    guard let bytes = try arguments.scaled("bandwidth", unit: unit), bytes > 0 else { return nil }
    return bytes
  }

  /// When a command with `--timeout` gives up.
  ///
  /// - Throws: `ShellError` for what is no length of time.
  static func deadline(_ arguments: Arguments) throws -> ContinuousClock.Instant? {
    try arguments.duration("timeout").map { .now + .seconds($0) }
  }
}
