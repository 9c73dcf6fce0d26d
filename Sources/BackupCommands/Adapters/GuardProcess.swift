// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import Glibc

/// Another process of this program that resumes a domain when we die while it is suspended.
///
/// It has its own connection, made before the domain is suspended, and waits on a pipe that closes
/// when we end, however we end.
final class GuardProcess: Guardian {
  private let pid: pid_t
  private var toGuard: Int32

  /// Starts it and waits until it is ready.
  ///
  /// - Throws: ``BackupError`` when it cannot be started or cannot connect.
  init(uri: String, domainUUID: String, isFrozen: Bool) throws {
    guard let input = Pipe(), let output = Pipe() else {
      throw GuardProcess.failure("no pipe: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Its own session: ^C is not for it.
    posix_spawnattr_setflags(&attributes, GuardProcess.ownSession)

    let arguments =
      ["virsh-backup", "-q", "-c", uri, "backup-guard", domainUUID] + (isFrozen ? ["--thaw"] : [])
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child: pid_t = 0
    let status = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, &pointers, environ)
    Glibc.close(input.reading)
    Glibc.close(output.writing)
    defer { Glibc.close(output.reading) }
    pid = child
    toGuard = input.writing
    guard status == 0 else {
      Glibc.close(toGuard)
      toGuard = -1
      throw GuardProcess.failure(String(cString: strerror(status)))
    }
    var byte: UInt8 = 0
    guard read(output.reading, &byte, 1) == 1, byte == GuardProcess.ready else {
      end()
      throw GuardProcess.failure("it did not connect")
    }
  }

  /// What the guard says when it is connected.
  static let ready = UInt8(ascii: "+")
  /// What it is told when nothing is owed any more.
  static let released = UInt8(ascii: "-")

  /// `POSIX_SPAWN_SETSID`, which glibc shows to GNU sources only.
  private static let ownSession: Int16 = 0x80

  private static func failure(_ why: String) -> BackupError {
    BackupError(.failed, "cannot start the process that guards the suspended domain: \(why)")
  }

  func release() {
    guard toGuard >= 0 else { return }
    var byte = GuardProcess.released
    _ = write(toGuard, &byte, 1)
    end()
  }

  private func end() {
    guard toGuard >= 0 else { return }
    Glibc.close(toGuard)
    toGuard = -1
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }

  deinit { end() }
}
