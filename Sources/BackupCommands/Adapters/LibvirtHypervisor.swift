// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Libvirt

/// A libvirt host.
final class LibvirtHypervisor: Hypervisor {
  let connection: Connection
  private let interrupt: Interrupt
  private var cachedCapabilities: HostCapabilities?
  private var cachedHost: HostIdentity?
  /// Pools made only to write into a directory that had none.
  private var ownPools: [StoragePool] = []
  /// The guests that were asked for, by UUID; a domain that is started again has another id.
  private var guests: [String: (id: Int32?, guest: LibvirtGuest)] = [:]

  /// Wraps a connection.
  init(_ connection: Connection, interrupt: Interrupt) {
    self.connection = connection
    self.interrupt = interrupt
  }

  deinit {
    for pool in ownPools { try? pool.destroy() }
  }

  /// Whether the hypervisor is this machine: its URI names no host.
  private(set) lazy var isLocal: Bool = {
    guard let uri = try? connection.uri, let colon = uri.firstIndex(of: ":") else { return false }
    return uri[colon...].hasPrefix(":///")
  }()

  /// Whether guests are the system's, not a user's.
  private(set) lazy var isSystem: Bool = {
    guard let uri = try? connection.uri else { return true }
    return !uri.hasSuffix("/session") && !uri.contains("/session?")
  }()

  func host() throws -> HostIdentity {
    if let cachedHost { return cachedHost }
    guard let uuid = try capabilities().hostUUID else {
      throw BackupError(.failed, "the hypervisor has no host UUID")
    }
    var host = HostIdentity(uuid: uuid, name: try? connection.hostName)
    // A socket that leads to another machine looks like one of this.
    if isLocal, host.name.map(ProcessIdentity.isOwnName) ?? true {
      host.bootID = ProcessIdentity.own.bootID
      host.machineID = ProcessIdentity.machineID()
      host.instance = instance
    }
    cachedHost = host
    return host
  }

  /// Which of the daemons of this machine it is: its URI without the host and, where each user has
  /// one, the user.
  private var instance: String? {
    guard let uri = try? connection.uri, let colon = uri.firstIndex(of: ":") else { return nil }
    return "\(uri[colon...].dropFirst(":///".count))" + (isSystem ? "" : " \(getuid())")
  }

  func imageOwner(ofDomainType type: String) throws -> FileOwner? {
    try capabilities().owner(ofDomainType: type)
  }

  private func capabilities() throws -> HostCapabilities {
    if let cachedCapabilities { return cachedCapabilities }
    let capabilities = try HostCapabilities(parsing: try connection.capabilities)
    cachedCapabilities = capabilities
    return capabilities
  }

  // MARK: - Domains

  func guest(uuid: String) throws -> (any Guest)? {
    try running(try unless(.noDomain) { try connection.domain(uuid: uuid) })
  }

  func guest(name: String) throws -> (any Guest)? {
    try running(try unless(.noDomain) { try connection.domain(name: name) })
  }

  func helperDomains() throws -> [(name: String, definition: String)] {
    let domains = try connection.domains([.active, .transient])
    return try domains.filter { Syntax.isHelperName($0.name) }.compactMap { domain in
      // It may end at any time.
      try unless(.noDomain) { (domain.name, try domain.xmlDescription()) }
    }
  }

  func startHelper(
    _ definition: String, name: String, outlivesClient: Bool
  ) throws -> any Guest {
    interrupt.helpers.note(name, on: connection)
    return guest(
      of: try connection.createDomain(
        xml: definition, flags: outlivesClient ? [.paused] : [.paused, .autoDestroy]))
  }

  func note(helper name: String) { interrupt.helpers.note(name, on: connection) }

  func define(_ definition: String) throws {
    _ = try connection.defineDomain(xml: definition)
  }

  func undefine(uuid: String) throws {
    try connection.domain(uuid: uuid).undefine(flags: [.keepNVRAM])
  }

  func start(uuid: String, paused: Bool) throws {
    try connection.domain(uuid: uuid).create(flags: paused ? [.paused] : [])
  }

  func inactiveDefinition(uuid: String) throws -> String? {
    guard let domain = try unless(.noDomain, look: { try connection.domain(uuid: uuid) }),
      try domain.isPersistent
    else { return nil }
    return try domain.xmlDescription(flags: [.secure, .inactive])
  }

  func domainName(uuid: String) throws -> String? {
    try unless(.noDomain) { try connection.domain(uuid: uuid) }?.name
  }

  func domainUUID(name: String) throws -> String? {
    try unless(.noDomain) { try connection.domain(name: name) }?.uuid
  }

  private func running(_ domain: Domain?) throws -> (any Guest)? {
    // A transient one may end at any time.
    guard let domain, try unless(.noDomain, look: { try domain.isActive }) == true else {
      return nil
    }
    return guest(of: domain)
  }

  /// The one guest for a running QEMU: libvirt lets nobody register for its events twice.
  private func guest(of domain: Domain) -> any Guest {
    if let known = guests[domain.uuid], known.id == domain.id { return known.guest }
    let guest = LibvirtGuest(domain, interrupt: interrupt)
    guests[domain.uuid] = (domain.id, guest)
    return guest
  }

  // MARK: - Storage

  func repositories() throws -> [any Repository] {
    try connection.storagePools(activeOnly: true).sorted { $0.name < $1.name }.compactMap {
      PoolTrial.isTrial($0.name) ? nil : try? repository(of: $0)
    }
  }

  func poolDirectory(name: String) throws -> String {
    guard let pool = try unless(.noStoragePool, look: { try connection.storagePool(name: name) })
    else {
      throw BackupError(
        .notFound, "Storage pool not found: no storage pool with matching name '\(name)'")
    }
    return try repository(of: pool).directory
  }

  func repository(directory: String) throws -> any Repository {
    try pool(directory: directory, isKept: false)
  }

  /// The volumes of a pool.
  ///
  /// - Throws: ``BackupError`` for a pool that cannot hold backups.
  func repository(of pool: StoragePool) throws -> LibvirtRepository {
    try repository(of: pool, remake: nil)
  }

  private func repository(
    of pool: StoragePool, remake: (() throws -> StoragePool)?
  ) throws -> LibvirtRepository {
    try LibvirtRepository(pool, isSystem: isSystem, isLocal: isLocal, remake: remake)
  }

  /// The volumes of a directory, through a pool that is made where there is none.
  ///
  /// - Parameters:
  ///   - directory: The directory.
  ///   - isKept: Whether a pool that is made stays when we end.
  /// - Returns: The volumes.
  /// - Throws: What libvirt throws.
  func pool(directory: String, isKept: Bool) throws -> LibvirtRepository {
    func make() throws -> StoragePool { try makePool(directory: directory, isKept: isKept) }
    let pool = try existingPool(directory: directory) ?? make()
    let remake = pool.name == LibvirtHypervisor.poolName(directory: directory) ? make : nil
    do {
      return try repository(of: pool, remake: remake)
    } catch {
      guard let remake, try unless(.noStoragePool, look: { try pool.isActive }) != true else {
        throw error
      }
      return try repository(of: remake(), remake: remake)
    }
  }

  /// The pool of a directory, made where there is none.
  private func makePool(
    directory: String, isKept: Bool, isBuilt: Bool = false
  ) throws -> StoragePool {
    do {
      let pool = try connection.createStoragePool(
        xml: try PoolDefinition(
          name: LibvirtHypervisor.poolName(directory: directory), directory: directory,
          mode: isBuilt ? 0o700 : nil
        ).xml(), isBuilt: isBuilt)
      if !isKept { ownPools.append(pool) }
      return pool
    } catch let error as LibvirtError {
      // Another client may have made it in the meantime, or the user has one that is not active.
      guard
        let pool = try existingPool(directory: directory) ?? definedPool(directory: directory)
      else { throw error }
      return pool
    }
  }

  /// The name of a pool that we make.
  private static func poolName(directory: String) -> String {
    "virsh-backup-\(StableHash.hex(directory))"
  }

  private func existingPool(directory: String) throws -> StoragePool? {
    try unless(.noStoragePool) { try connection.storagePool(targetPath: directory) }
  }

  /// A pool of a directory, active or not: libvirt looks only active ones up by directory.
  private func definedPool(directory: String) throws -> StoragePool? {
    try connection.storagePools().first { pool in
      guard let description = try? PoolDefinition(parsing: pool.xmlDescription()) else {
        return false
      }
      return description.path == directory
    }
  }

  func makeDirectory(_ path: String) throws {
    if (try? repository(directory: path).refresh()) != nil { return }
    // A pool of ours that served it while it was there; one of the user's stays.
    let pool = try existingPool(directory: path)
    guard pool.map({ $0.name == LibvirtHypervisor.poolName(directory: path) }) ?? true else {
      return
    }
    try? pool?.destroy()
    _ = try makePool(directory: path, isKept: false, isBuilt: true)
  }

  // MARK: - Files

  func open(_ path: String, forWriting: Bool) -> Int32? {
    guard isLocal else { return nil }
    let descriptor = Glibc.open(
      path, (forWriting ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  func openDevice(_ path: String, forWriting: Bool) -> Int32? {
    guard isLocal else { return nil }
    let descriptor = Glibc.open(path, (forWriting ? O_RDWR : O_RDONLY) | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  func isTaken(_ path: String) -> Bool {
    isLocal && BackupCommands.isTaken(path)
  }

  func sees(_ path: String) -> Bool {
    guard isLocal else { return false }
    var status = stat()
    return lstat(path, &status) == 0 || [ENOENT, ENOTDIR].contains(errno)
  }

  func identity(of path: String) -> String? {
    guard let descriptor = open(path, forWriting: false) else { return nil }
    defer { close(descriptor) }
    var status = stat()
    // FS_IOC_GETVERSION: another file that comes to the same number has another generation.
    var generation = 0
    guard fstat(descriptor, &status) == 0, ioctl(descriptor, 0x8008_7601, &generation) == 0 else {
      return nil
    }
    return "\(status.st_dev) \(status.st_ino) \(UInt32(truncatingIfNeeded: generation))"
  }

  func isGone(_ directory: String) -> Bool {
    var status = stat()
    return isLocal && stat(directory, &status) != 0 && [ENOENT, ENOTDIR].contains(errno)
  }

  func canRename(in directory: String) -> Bool {
    isLocal && access(directory, W_OK | X_OK) == 0
  }

  func rename(_ path: String, to newPath: String) throws -> Bool {
    let isThere = try move(path, to: newPath)
    let directory = newPath.split(separator: "/").dropLast().joined(separator: "/")
    if isThere { try LocalDirectory("/\(directory)")?.synchronize([]) }
    return isThere
  }

  private func move(_ path: String, to newPath: String) throws -> Bool {
    // A link never replaces a file, as rename(2) would.
    if link(path, newPath) == 0 {
      unlink(path)
      return true
    }
    let code = errno
    if code == ENOENT { return false }
    if code == EEXIST {
      guard isSameFile(path, newPath) else {
        // Another client that settles may have come between.
        if access(path, F_OK) != 0 { return false }
        throw BackupError(.exists, "file '\(newPath)' exists")
      }
      unlink(path)
      return true
    }
    // A file system without links.
    if access(newPath, F_OK) != 0, Glibc.rename(path, newPath) == 0 { return true }
    throw BackupError(
      .failed, "cannot rename '\(path)' to '\(newPath)': \(String(cString: strerror(code)))")
  }

  private func isSameFile(_ first: String, _ second: String) -> Bool {
    var one = stat()
    var other = stat()
    return lstat(first, &one) == 0 && lstat(second, &other) == 0 && one.st_ino == other.st_ino
      && one.st_dev == other.st_dev
  }

  // MARK: - Secrets

  func secret(_ reference: BackupDefinition.SecretReference) throws -> [UInt8] {
    switch reference {
    case .uuid(let uuid): try connection.secretValue(uuid: uuid)
    case .usage(let usage): try connection.secretValue(volumeUsage: usage)
    }
  }

  // MARK: - Guarding

  func guardGuest(
    uuid: String, isSuspended: Bool, frozenMark: String?
  ) throws -> any Guardian {
    try GuardProcess(
      uri: try connection.uri, domainUUID: uuid, isSuspended: isSuspended, frozenMark: frozenMark)
  }
}
