// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Libvirt
import Vsh

/// Finds the pool that backups are in.
struct Pools {
  private let connection: Connection
  private let hypervisor: LibvirtHypervisor
  private let defaultPool: String?

  /// Name of the pool where neither the command nor the environment names one.
  static let fallback = "backups"

  /// Looks on a connection.
  init(_ connection: Connection, hypervisor: LibvirtHypervisor, defaultPool: String?) {
    self.connection = connection
    self.hypervisor = hypervisor
    self.defaultPool = defaultPool
  }

  /// The volumes of a pool.
  ///
  /// - Parameter text: Name, UUID or absolute directory; nil for the default.
  /// - Returns: Its volumes.
  /// - Throws: `ShellError` when there is no such pool, with the commands that make one;
  ///   ``BackupError`` when it cannot hold backups.
  func repository(_ text: String?) throws -> any Repository {
    let name = text ?? defaultPool ?? Pools.fallback
    if name.hasPrefix("/") {
      try Pools.check(directory: name)
      return try hypervisor.pool(directory: Pools.plain(name), isKept: true)
    }
    guard let pool = try find(name) else { throw Pools.missing(name) }
    return try hypervisor.repository(of: pool)
  }

  /// The volumes of a pool that is there, for those who may not make one.
  ///
  /// - Parameter text: What ``repository(_:)`` takes.
  /// - Returns: Its volumes.
  /// - Throws: What ``repository(_:)`` throws; `LibvirtError` where no active pool has a directory.
  func existingRepository(_ text: String?) throws -> any Repository {
    let name = text ?? defaultPool ?? Pools.fallback
    guard name.hasPrefix("/") else { return try repository(name) }
    return try hypervisor.repository(
      of: try connection.storagePool(targetPath: Pools.plain(name)))
  }

  /// The volumes of all active pools that can hold backups.
  func all() throws -> [any Repository] {
    try hypervisor.repositories()
  }

  private func find(_ name: String) throws -> StoragePool? {
    if let pool = try unless(.noStoragePool, look: { try connection.storagePool(name: name) }) {
      return pool
    }
    guard name.count == 36 else { return nil }
    return try unless(.noStoragePool, .invalidArg) { try connection.storagePool(uuid: name) }
  }

  private static func missing(_ name: String) -> ShellError {
    let quoted = Quoting.shell(name)
    return ShellError(
      lines: ["Storage pool not found: no storage pool with matching name '\(name)'"],
      hints: [
        "These commands make one (choose the directory):",
        "  pool-define-as \(quoted) dir --target /var/lib/libvirt/backups",
        "  pool-build \(quoted)",
        "  pool-start \(quoted)",
        "  pool-autostart \(quoted)",
      ])
  }

  /// Refuses directories that belong to the system.
  private static func check(directory: String) throws {
    let parts = components(of: directory)
    let reserved: Set = ["dev", "etc", "proc", "sys", "usr"]
    guard let first = parts.first, !reserved.contains(first), !parts.contains("..") else {
      throw ShellError("backups cannot be kept in '\(directory)'")
    }
  }

  /// The names in a path, but single dots, divided by bytes as the system does.
  private static func components(of path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
  }

  /// A path without doubled, leading dot or trailing slashes.
  private static func plain(_ path: String) -> String {
    "/" + components(of: path).joined(separator: "/")
  }
}
