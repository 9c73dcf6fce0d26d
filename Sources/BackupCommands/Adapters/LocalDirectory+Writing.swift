// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
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
  ///   - content: Its new content.
  ///   - old: The file that must still have the name; nil for any.
  ///   - confirm: Is asked when the new content is on disk and has no name yet; what it throws ends the
  ///     attempt.
  /// - Returns: False where we may not do that, which libvirt then can.
  /// - Throws: ``BackupError`` when the new content cannot be written, with code `exists` or `busy`
  ///   where another file has the name or none; what was there is there then. Where only the
  ///   directory could not be synced the new content is.
  func replace(
    _ name: String, _ content: [UInt8], of old: HeldFile? = nil, confirm: () throws -> Void = {}
  ) throws -> Bool {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      guard old == nil else { throw deleted(name) }
      return false
    }
    // libvirt does not list what is hidden.
    let new = "\(path)/.\(name).\(UUIDs.random()).new"
    let (file, isNamed) = make(new)
    guard file >= 0 else { return false }
    defer { close(file) }
    // Another client's file may have that name in the end.
    var isOurs = true
    do {
      try write(content, to: file, name)
      guard fchown(file, status.st_uid, status.st_gid) == 0 || errno == EPERM,
        fchmod(file, status.st_mode & 0o7777) == 0, fsync(file) == 0
      else { throw failure("write '\(path)/\(name)'") }
      try confirm()
      let link = "/proc/self/fd/\(file)"
      guard isNamed || linkat(AT_FDCWD, link, AT_FDCWD, new, AT_SYMLINK_FOLLOW) == 0 else {
        throw failure("write '\(path)/\(name)'")
      }
      if let old {
        try exchange(new, name, old, isOurs: &isOurs)
      } else if rename(new, "\(path)/\(name)") != 0 {
        throw failure("write '\(path)/\(name)'")
      }
    } catch {
      if isOurs { unlink(new) }
      throw error
    }
    try synchronize([])
    return true
  }

  /// Makes a file without a name, which is gone if we die before it gets one, or one of that name
  /// where the file system has no such files.
  ///
  /// - Returns: The open file, negative where we may not make one, and whether it has the name.
  private func make(_ name: String) -> (file: Int32, isNamed: Bool) {
    // Not part of Swift's Glibc module: O_TMPFILE.
    let file = open(path, O_WRONLY | O_CLOEXEC | O_DIRECTORY | 0o20_000_000, 0o600)
    if file >= 0 { return (file, false) }
    return (open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600), true)
  }

  /// Gives a new file the name of one that has it now; where another has it by now, that one keeps it.
  private func exchange(
    _ new: String, _ name: String, _ old: HeldFile, isOurs: inout Bool
  ) throws {
    let named = "\(path)/\(name)"
    let taken = BackupError(.exists, "another client has written '\(named)'")
    guard FileSystem.exchange(new, named) == 0 else {
      switch errno {
      case ENOENT: throw deleted(name)
      case EINVAL, ENOSYS, ENOTSUP:
        // Network file systems cannot swap names.
        guard old.isNamed(named) else { throw taken }
        guard rename(new, named) == 0 else { throw failure("write '\(named)'") }
        return
      default: throw failure("write '\(named)'")
      }
    }
    guard !old.isNamed(new) else {
      unlink(new)
      return
    }
    guard FileSystem.exchange(new, named) == 0 else {
      isOurs = false
      throw failure("write '\(named)'")
    }
    throw taken
  }

  private func deleted(_ name: String) -> BackupError {
    BackupError(.busy, "another client has deleted '\(path)/\(name)'; try again")
  }

  /// Takes hold of a file of that name; nil where there is none.
  func hold(_ name: String) -> HeldFile? { HeldFile("\(path)/\(name)") }

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
