// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc

/// Whether there is a regular file of that path, no link to one.
func isRegularFile(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}

/// Whether there is anything of that path.
func isTaken(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0
}

/// A pool's directory, read past libvirt where the hypervisor is this machine.
///
/// A stream for each small manifest would make a large pool slow, libvirt lists no more than 16384
/// volumes, and a read-only connection reads none at all.
struct LocalDirectory {
  /// Its absolute path.
  let path: String

  /// Opens a directory; nil when it cannot be read from here.
  init?(_ path: String) {
    guard access(path, R_OK | X_OK) == 0 else { return nil }
    self.path = path
  }

  /// Names of all files libvirt would call volumes.
  ///
  /// - Throws: ``BackupError`` when the directory cannot be read any more.
  func names() throws -> [String] {
    guard let stream = opendir(path) else { throw failure("read '\(path)'") }
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

  /// Whether there is a file of that name.
  func contains(_ name: String) -> Bool {
    isTaken("\(path)/\(name)")
  }

  /// Whether there is a regular file of that name, no link to one.
  func isFile(_ name: String) -> Bool {
    isRegularFile("\(path)/\(name)")
  }

  /// Bytes of a file; nil when it is not there.
  func length(of name: String) -> UInt64? {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
    return UInt64(max(0, status.st_size))
  }

  /// A part of a file; nil when we may not open it, which libvirt then can.
  ///
  /// - Throws: ``BackupError`` when it cannot be read, or is no regular file: libvirt would follow a
  ///   link.
  func read(_ name: String, offset: UInt64, length: UInt64) throws -> [UInt8]? {
    guard let descriptor = try openFile(name) else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read '\(path)/\(name)'") }
    let rest = max(0, Int(status.st_size) - Int(clamping: offset))
    var bytes = [UInt8](repeating: 0, count: min(rest, Int(clamping: length)))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        pread(
          descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled,
          off_t(offset) + off_t(filled))
      }
      guard count >= 0 else { throw failure("read '\(path)/\(name)'") }
      if count == 0 { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }

  /// Opens a file to read it; nil when we may not, which libvirt then can.
  ///
  /// - Throws: ``BackupError`` when it is no regular file.
  func openFile(_ name: String) throws -> Int32? {
    let notFile = BackupError(.invalid, "'\(path)/\(name)' is not a regular file")
    // A pipe or a device under that name could block open(2) for ever; O_NONBLOCK prevents it.
    let descriptor = open(
      "\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      if contains(name), !isFile(name) { throw notFile }
      return nil
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw notFile
    }
    return descriptor
  }

  /// Bytes a file occupies; nil when it is not there.
  func allocation(of name: String) -> UInt64? {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
    return UInt64(status.st_blocks) * 512
  }

  /// Whom a file belongs to; nil when it is not there.
  func owner(of name: String) -> FileOwner? {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
    return FileOwner(owner: status.st_uid, group: status.st_gid)
  }

  /// When a file was last written, in seconds since 1970-01-01T00:00:00Z; nil when it is not there.
  func modified(_ name: String) -> Int64? {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
    return Int64(status.st_mtim.tv_sec)
  }

  /// Bytes free in the file system, as libvirt counts them; nil when it does not tell.
  func available() -> UInt64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bfree) * UInt64(status.f_frsize)
  }

  /// Deletes a file.
  ///
  /// - Throws: ``BackupError`` when that is not possible; one that is gone is fine.
  func delete(_ name: String) throws {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
      throw failure("delete '\(path)/\(name)'")
    }
  }

  /// What the last call of the system failed for.
  func failure(_ attempt: String) -> BackupError {
    BackupError(.failed, "cannot \(attempt): \(String(cString: strerror(errno)))")
  }
}
