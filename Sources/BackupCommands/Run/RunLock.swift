// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import Glibc
import Vsh

/// A locked file (flock(2)) that keeps two runs of one user on one hypervisor from each other.
///
/// The kernel lets go of it when the process ends, however that comes about.
final class RunLock {
  /// Path of the file.
  let path: String
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Parameters:
  ///   - uri: The hypervisor.
  ///   - directory: Where the file is.
  /// - Throws: `ShellError` where another run has it, or the file cannot be made.
  init(uri: String, in directory: String? = nil) throws {
    let directory = directory ?? RunLock.directory
    path = "\(directory)/run-\(StableHash.hex(uri)).lock"
    if mkdir(directory, 0o700) != 0, errno != EEXIST { throw RunLock.failure(directory) }
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw RunLock.failure(path) }
    // A user who may read the file could lock it, and keep every run from its turn.
    _ = fchmod(descriptor, 0o600)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      defer { close(descriptor) }
      guard code == EWOULDBLOCK else { throw RunLock.failure(path) }
      throw ShellError(
        "another backup-run is at work on '\(uri)'\(RunLock.owner(descriptor)); its lock is '\(path)'"
      )
    }
    let text = "\(getpid())\n"
    _ = ftruncate(descriptor, 0)
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  // The file stays: one that is removed could be locked by two who opened it before and after.
  deinit { close(descriptor) }

  /// The directory of this user's locks.
  ///
  /// systemd names one for a service that asks for it. Root's is the same for a service and for who is
  /// logged in.
  private static var directory: String {
    if let given = Program.environment("RUNTIME_DIRECTORY") {
      return given.split(separator: ":").first.map(String.init) ?? given
    }
    if getuid() == 0 { return "/run/virsh-backup" }
    let runtime = Program.environment("XDG_RUNTIME_DIR") ?? "/run/user/\(getuid())"
    return "\(runtime)/virsh-backup"
  }

  private static func owner(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0,
      let line = String(decoding: bytes[..<count], as: UTF8.self)
        .split(separator: "\n").first, let pid = pid_t(line)
    else { return "" }
    return " (process \(pid))"
  }

  private static func failure(_ path: String) -> ShellError {
    ShellError(
      lines: [
        "cannot take the lock that keeps two runs from each other: '\(path)': "
          + String(cString: strerror(errno)),
        "RUNTIME_DIRECTORY names another directory for it",
      ])
  }
}
