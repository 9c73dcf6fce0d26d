// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc
import Libvirt

// What libvirt says of its domains, whether they run or not.
extension LibvirtHypervisor {
  func domains() throws -> [RegisteredDomain] {
    try connection.domains().compactMap { domain in
      // One may end while we look: helpers come and go.
      try unless(.noDomain) {
        var definitions: [String] = []
        if try domain.isPersistent {
          definitions.append(try domain.xmlDescription(flags: [.inactive]))
        }
        if try domain.isActive { definitions.append(try domain.xmlDescription()) }
        return RegisteredDomain(name: domain.name, uuid: domain.uuid, definitions: definitions)
      }
    }
  }

  func isActive(uuid: String) throws -> Bool { try domain(uuid: uuid)?.isActive ?? false }

  func hasManagedSaveImage(uuid: String) throws -> Bool {
    try domain(uuid: uuid)?.hasManagedSaveImage ?? false
  }

  func savedInstants(uuid: String) throws -> [String] {
    guard let domain = try domain(uuid: uuid) else { return [] }
    return try domain.snapshotDescriptions() + domain.checkpointDescriptions()
  }

  func isAutostart(uuid: String) throws -> Bool? {
    guard let domain = try domain(uuid: uuid), try domain.isPersistent else { return nil }
    return try domain.isAutostart
  }

  func setAutostart(uuid: String, _ isAutostart: Bool) throws {
    try connection.domain(uuid: uuid).setAutostart(isAutostart)
  }

  private func domain(uuid: String) throws -> Domain? {
    try unless(.noDomain) { try connection.domain(uuid: uuid) }
  }

  // MARK: - Images

  func backingFile(of path: String) throws -> String? {
    let directory = Paths.split(path).directory
    if let files = try filesNamed(by: path) {
      return files.lazy.flatMap { BackingName($0).paths(in: directory) }.first
    }
    // A volume of no pool, or of one that is gone.
    let text = try unless(.noStorageVolume, .noStoragePool) {
      try connection.storageVolume(path: path).xmlDescription()
    }
    return try text.flatMap { try VolumeBacking(parsing: $0).path }
  }

  /// The files that an image names, read past libvirt; nil where it cannot be read from here.
  private func filesNamed(by path: String) throws -> [String]? {
    guard isLocal else { return nil }
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return errno == ENOENT ? [] : nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, [S_IFREG, S_IFBLK].contains(status.st_mode & S_IFMT)
    else { return [] }
    // A head that does not tell is one that nothing can open.
    return
      (try? Qcow2Header.files(namedBy: { length in
        var bytes = [UInt8](repeating: 0, count: Int(length))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
      })) ?? []
  }

  func backingFiles(in directory: String) throws -> [(volume: String, file: String)] {
    guard
      let pool = try unless(
        .noStoragePool,
        look: {
          try connection.storagePool(targetPath: directory)
        }), try pool.isActive
    else { return [] }
    return try pool.volumes().compactMap { volume in
      let text = try unless(.noStorageVolume) { try volume.xmlDescription() }
      return try text.flatMap { try VolumeBacking(parsing: $0).path }.map { (volume.name, $0) }
    }
  }

  func resolved(_ path: String) -> String {
    guard isLocal, let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
  }

  func deviceSize(_ path: String) -> UInt64? {
    guard let descriptor = openDevice(path, forWriting: false) else { return nil }
    defer { close(descriptor) }
    return UInt64(exactly: lseek(descriptor, 0, SEEK_END))
  }

  func isTakenDevice(_ path: String) -> Bool {
    guard isLocal else { return false }
    // The kernel lets nobody have a mounted device for itself, nor one that another device is of.
    let descriptor = Glibc.open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC)
    guard descriptor < 0 else {
      close(descriptor)
      return false
    }
    return errno == EBUSY
  }
}
