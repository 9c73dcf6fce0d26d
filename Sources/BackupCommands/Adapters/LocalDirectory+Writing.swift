// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import Glibc
import Libvirt

/// What reaches the disk, past libvirt, which waits for nothing of what it writes.
extension LocalDirectory {
  /// Has files reach the disk, and then the names in the directory, made or gone.
  ///
  /// - Parameter names: The files; one that we may not open goes with the whole file system.
  /// - Throws: ``BackupError`` when the disk does not take them.
  func synchronize(_ names: [String]) throws {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure("read '\(path)'") }
    defer { close(directory) }
    for name in names {
      let file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard file >= 0 else {
        try check(FileSystem.synchronize(containing: directory), name)
        continue
      }
      defer { close(file) }
      try check(fsync(file), name)
    }
    try check(fsync(directory), nil)
  }

  /// Gives a file that is there another content, all at once: who reads it has the old or the new one.
  ///
  /// - Parameters:
  ///   - name: The file.
  ///   - content: The new content.
  ///   - confirm: Asked when the new content is on disk and nothing but a rename is left; it throws
  ///     where the file is to stay as it is.
  /// - Returns: False where we may not do that, which libvirt then can.
  /// - Throws: ``BackupError`` when the new content cannot be written, and what `confirm` throws; the
  ///   old one is there then.
  func replace(
    _ name: String, _ content: [UInt8], confirm: () throws -> Void = {}
  ) throws -> Bool {
    var old = stat()
    guard lstat("\(path)/\(name)", &old) == 0, old.st_mode & S_IFMT == S_IFREG else {
      return false
    }
    // libvirt does not list what is hidden.
    let new = "\(path)/.\(name).\(UUIDs.random()).new"
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    do {
      try write(content, to: file, name)
      guard fchown(file, old.st_uid, old.st_gid) == 0 || errno == EPERM,
        fchmod(file, old.st_mode & 0o7777) == 0, fsync(file) == 0
      else { throw failure("write '\(path)/\(name)'") }
      try confirm()
      guard rename(new, "\(path)/\(name)") == 0 else {
        throw failure("write '\(path)/\(name)'")
      }
    } catch {
      unlink(new)
      throw error
    }
    try synchronize([])
    return true
  }

  private func write(_ content: [UInt8], to file: Int32, _ name: String) throws {
    var written = 0
    while written < content.count {
      let count = content[written...].withUnsafeBytes {
        Glibc.write(file, $0.baseAddress, $0.count)
      }
      guard count > 0 else { throw failure("write '\(path)/\(name)'") }
      written += count
    }
  }

  /// Throws where the disk did not take something; a file system that cannot be asked is not asked.
  private func check(_ result: Int32, _ name: String?) throws {
    guard result != 0, ![EINVAL, ENOTSUP, ENOSYS].contains(errno) else { return }
    throw failure("write '\(path)\(name.map { "/" + $0 } ?? "")'")
  }
}
