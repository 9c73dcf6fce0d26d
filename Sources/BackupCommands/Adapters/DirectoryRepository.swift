// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import DomainXML
import Glibc
import Libvirt

/// The volumes of a pool, read as plain files: for a connection that may not read volumes.
///
/// It changes nothing.
final class DirectoryRepository: Repository {
  let name: String
  let directory: String
  let isTrusted: Bool

  /// Takes the place of a pool's volumes.
  ///
  /// - Throws: ``BackupError`` when the directory cannot be seen from here.
  init(_ repository: LibvirtRepository) throws {
    name = repository.name
    directory = repository.directory
    isTrusted = repository.isTrusted
    guard access(directory, R_OK | X_OK) == 0 else {
      throw BackupError(
        .failed,
        "a read-only connection cannot read volumes, and '\(directory)' cannot be read from here: "
          + String(cString: strerror(errno)))
    }
  }

  func refresh() {}

  func volumeNames() throws -> [String] {
    guard let stream = opendir(directory) else {
      throw BackupError(
        .failed, "cannot read '\(directory)': \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  func contains(_ volume: String) -> Bool { access(path(of: volume), F_OK) == 0 }

  func read(_ volume: String, offset: UInt64, length: UInt64) throws -> [UInt8] {
    let descriptor = open(path(of: volume), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw BackupError(
        .failed, "cannot open '\(path(of: volume))': \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(length))
    let count = pread(descriptor, &bytes, bytes.count, off_t(offset))
    return Array(bytes.prefix(max(0, count)))
  }

  func path(of volume: String) -> String { "\(directory)/\(volume)" }

  func allocation(of volume: String) throws -> UInt64 {
    UInt64(try status(of: volume).st_blocks) * 512
  }

  func length(of volume: String) throws -> UInt64 { UInt64(try status(of: volume).st_size) }

  func available() throws -> UInt64 { throw DirectoryRepository.refusal }

  func age(of volume: String) throws -> Int64 { throw DirectoryRepository.refusal }

  func create(_ volume: VolumeSpecification) throws { throw DirectoryRepository.refusal }

  func delete(_ volume: String) throws { throw DirectoryRepository.refusal }

  func write(_ volume: String, _ content: [UInt8]) throws { throw DirectoryRepository.refusal }

  private static let refusal = BackupError(
    .invalid, "operation forbidden: read only access prevents changing the storage pool")

  private func status(of volume: String) throws -> stat {
    var status = stat()
    guard lstat(path(of: volume), &status) == 0 else {
      throw BackupError(
        .failed, "cannot look at '\(path(of: volume))': \(String(cString: strerror(errno)))")
    }
    return status
  }
}
