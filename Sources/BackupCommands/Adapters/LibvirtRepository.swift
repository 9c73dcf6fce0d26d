// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Libvirt

/// The volumes of a libvirt storage pool that is a directory on the hypervisor.
final class LibvirtRepository: Repository {
  /// Kinds of pools whose volumes are files in one directory.
  private static let fileKinds: Set<String> = ["dir", "fs", "netfs"]

  let name: String
  let directory: String
  let isTrusted: Bool
  private var pool: StoragePool
  /// Makes the pool again; nil for one that is the user's.
  private let remake: (() throws -> StoragePool)?
  /// Whether the hypervisor is this machine.
  private let isLocal: Bool
  /// What can be read past libvirt; nil where the hypervisor is another machine.
  let files: LocalDirectory?

  /// Wraps an active pool.
  ///
  /// - Parameters:
  ///   - pool: The pool.
  ///   - isSystem: Whether guests are the system's, not a user's.
  ///   - isLocal: Whether the hypervisor is this machine.
  ///   - remake: Makes the pool again, where it is one of ours: libvirt stops a pool when a refresh
  ///     fails, of any client, and forgets one that has no definition.
  /// - Throws: ``BackupError`` for a pool whose volumes are not files, that is not active, or that
  ///   a read-only connection cannot read.
  init(
    _ pool: StoragePool, isSystem: Bool, isLocal: Bool, remake: (() throws -> StoragePool)? = nil
  ) throws {
    let description = try PoolDefinition(parsing: try pool.xmlDescription())
    guard LibvirtRepository.fileKinds.contains(description.type), let path = description.path
    else {
      throw BackupError(
        .invalid,
        "pool '\(pool.name)' is of type '\(description.type)'; backups need files: dir, fs, netfs")
    }
    guard try pool.isActive else {
      throw BackupError(
        .invalid,
        "Requested operation is not valid: storage pool '\(pool.name)' is not active; "
          + "'pool-start \(pool.name)' starts it")
    }
    self.pool = pool
    self.remake = remake
    name = pool.name
    directory = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    isTrusted = LibvirtRepository.isTrusted(description, isSystem: isSystem)
    self.isLocal = isLocal
    files = isLocal ? LocalDirectory(directory) : nil
    guard !pool.connection.isReadOnly || files != nil else {
      throw BackupError(
        .failed,
        "a read-only connection cannot read volumes, and '\(directory)' cannot be read from here")
    }
  }

  /// Whether only its owner can put things into a pool's directory.
  ///
  /// On a system's hypervisor that owner must be root, who could harm the host anyway.
  private static func isTrusted(_ pool: PoolDefinition, isSystem: Bool) -> Bool {
    guard let mode = pool.mode, mode & 0o022 == 0 else { return false }
    return !isSystem || pool.owner?.owner == 0
  }

  var isReadDirectly: Bool { files != nil }

  /// Does something with the pool, and once more where it had to be made again.
  func withPool<Result>(_ body: (StoragePool) throws -> Result) throws -> Result {
    do {
      return try body(pool)
    } catch {
      guard let remake, try unless(.noStoragePool, look: { try pool.isActive }) != true else {
        throw error
      }
      pool = try remake()
      return try body(pool)
    }
  }

  func refresh() throws { try withPool(refresh(_:)) }

  private func refresh(_ pool: StoragePool) throws {
    // Only what changes volumes needs libvirt to know them.
    if pool.connection.isReadOnly { return }
    // One of ours is made again.
    if remake == nil { try PoolTrial.refuseUnreadable(directory, of: pool) }
    var failure: (any Error)?
    for _ in 0..<50 {
      do {
        return try pool.refresh()
      } catch {
        // libvirt refuses while another client makes or writes a volume in the pool.
        guard try pool.isActive else {
          // Something has come in between.
          if remake == nil { try? pool.start() }
          throw error
        }
        failure = error
        usleep(100_000)
      }
    }
    if let failure { throw failure }
  }

  func volumeNames() throws -> [String] { try files?.names() ?? withPool { try $0.volumeNames() } }

  func contains(_ volume: String) throws -> Bool {
    if let files { return files.contains(volume) }
    return try find(volume) != nil
  }

  func isFile(_ volume: String) throws -> Bool {
    if seesLinks { return isRegularFile(path(of: volume)) }
    return try find(volume)?.info.type == .file
  }

  private(set) lazy var seesLinks: Bool = isLocal && access(directory, X_OK) == 0

  func length(of volume: String) throws -> UInt64 {
    try files?.length(of: volume) ?? withPool { try $0.volume(name: volume).physicalSize }
  }

  func create(_ volume: VolumeSpecification) throws {
    let made = try make(
      VolumeDefinition(
        name: volume.name, capacity: volume.capacity, format: volume.format,
        backing: volume.backing.map { .init(name: $0, format: "qcow2") }, owner: volume.owner,
        label: volume.label))
    // libvirt rounds the size of an image up to whole KiB, but resizes it to the byte.
    guard volume.format != "raw", volume.capacity % 1024 != 0 else { return }
    do {
      try made.shrink(to: volume.capacity)
    } catch {
      try? made.delete()
      throw error
    }
  }

  func delete(_ volume: String) throws {
    guard let found = try findAgain(volume) else {
      if let files, files.contains(volume) { try files.delete(volume) }
      return
    }
    do {
      _ = try unless(.noStorageVolume) { try found.delete() }
    } catch {
      // The file may have gone without the pool's knowledge.
      if let files, !files.contains(volume) { return }
      try refresh()
      if try find(volume) != nil { throw error }
    }
  }

  func read(_ volume: String, offset: UInt64, length: UInt64) throws -> [UInt8] {
    if let bytes = try files?.read(volume, offset: offset, length: length) { return bytes }
    // libvirt would follow a link.
    if seesLinks, isTaken(path(of: volume)), !isRegularFile(path(of: volume)) {
      throw BackupError(.invalid, "'\(path(of: volume))' is not a regular file")
    }
    _ = try findAgain(volume)
    return try withPool {
      try $0.volume(name: volume).download(offset: offset, length: Int(length))
    }
  }

  func write(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    let made = try make(
      VolumeDefinition(name: volume, capacity: UInt64(content.count), format: "raw"))
    // A slow client may be taken for dead: another one may give the volume its content then.
    let file = files?.hold(volume)
    guard file?.isBlank != false else {
      throw BackupError(.exists, "another client has written '\(path(of: volume))'")
    }
    do {
      // After an upload libvirt refreshes the pool.
      try noting("write", detail: volume) {
        if try files?.replace(volume, content, of: file, confirm: confirm) != true {
          try confirm()
          try made.upload(content)
        }
        try files?.synchronize([volume])
      }
    } catch {
      if file?.isNamed(path(of: volume)) != false { try? made.delete() }
      throw error
    }
  }

  func replace(_ volume: String, _ content: [UInt8], confirm: () throws -> Void) throws {
    func confirmNow() throws { try noting("replace", detail: volume, confirm) }
    if try files?.replace(volume, content, of: files?.hold(volume), confirm: confirmNow) == true {
      return
    }
    try confirmNow()
    try overwrite(volume, content)
  }

  func replace(_ volume: String, _ content: [UInt8]) throws {
    if try files?.replace(volume, content) != true { try overwrite(volume, content) }
  }

  private func overwrite(_ volume: String, _ content: [UInt8]) throws {
    guard let found = try findAgain(volume) else { return try write(volume, content) }
    let rest = Int(clamping: try found.physicalSize) - content.count
    try found.upload(content + [UInt8](repeating: UInt8(ascii: "\n"), count: max(0, rest)))
  }

  func synchronize(_ volumes: [String]) throws { try files?.synchronize(volumes) }

  func path(of volume: String) -> String { "\(directory)/\(volume)" }

  func allocation(of volume: String) throws -> UInt64 {
    try files?.allocation(of: volume)
      ?? withPool { try $0.volume(name: volume).info.allocation }
  }

  func owner(of volume: String) throws -> FileOwner {
    if let owner = files?.owner(of: volume) { return owner }
    return try FileOwner(
      parsingVolume: try withPool { try $0.volume(name: volume).xmlDescription() })
  }

  func available() throws -> UInt64 {
    try files?.available() ?? withPool { try $0.info.available }
  }

  func age(of volume: String) throws -> Int64 {
    let local = files?.modified(volume)
    let known = local == nil ? try find(volume) : nil
    guard local != nil || known != nil else { return 0 }
    let probe = "virsh-backup-\(UUIDs.random()).clock"
    try write(probe, [0x0a])
    defer { try? delete(probe) }
    if let local, let now = files?.modified(probe) { return now - local }
    guard let found = try known ?? find(volume) else { return 0 }
    let now = try VolumeTimes(
      parsing: try withPool { try $0.volume(name: probe).xmlDescription() })
    return now.modified - (try VolumeTimes(parsing: try found.xmlDescription()).modified)
  }

  private func find(_ volume: String) throws -> StorageVolume? {
    try unless(.noStorageVolume) { try withPool { try $0.volume(name: volume) } }
  }

  /// A volume, looked for once more where its file is there and libvirt does not know it.
  func findAgain(_ volume: String) throws -> StorageVolume? {
    if let found = try find(volume) { return found }
    guard files?.contains(volume) == true, (try? refresh()) != nil else { return nil }
    return try find(volume)
  }

  /// Whether libvirt knew a volume whose file is gone, and does not any more.
  private func isStale(_ volume: String) -> Bool {
    guard let files, !files.contains(volume), (try? refresh()) != nil else { return false }
    return !files.contains(volume)
  }

  @discardableResult
  private func make(_ volume: VolumeDefinition) throws -> StorageVolume {
    let xml = try volume.xml()
    func create() throws -> StorageVolume? {
      try unless(.storageVolExist) { try withPool { try $0.createVolume(xml: xml) } }
    }
    // libvirt would overwrite a file that it has not seen yet.
    guard files?.contains(volume.name) != true,
      let made = try create() ?? (isStale(volume.name) ? create() : nil)
    else {
      throw BackupError(.exists, "volume '\(volume.name)' already exists in pool '\(name)'")
    }
    return made
  }
}
