// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import Glibc
import Libvirt
import Synchronization

/// Another process of this program that holds a guest still for us, and lets it go when we say so,
/// when we end, however we end, and after five seconds in any case.
///
/// It has its own connection, made before the guest is touched, and its own session, and leaves our
/// control group where it may: what ends or stops us does not end or stop it.
final class GuardProcess: Guardian {
  /// How long it may take to hold the guest: its agent writes out file systems.
  private static let holdLimit = Duration.seconds(150)
  /// How long it may take to let it go.
  private static let releaseLimit = Duration.seconds(20)
  /// How long a failure waits for that.
  private static let abandonLimit = Duration.seconds(3)
  /// Those that went on without us; they are waited for with the next.
  private static let abandoned = Mutex<[pid_t]>([])

  private let pid: pid_t
  private var toGuard: Int32
  private let fromGuard: Int32

  /// Starts it and waits until it is ready.
  ///
  /// - Throws: ``BackupError`` when it cannot be started or cannot connect.
  init(uri: String, domainUUID: String, isSuspended: Bool, frozenMark: String?) throws {
    GuardProcess.abandoned.withLock { $0.removeAll { waitpid($0, nil, WNOHANG) != 0 } }
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
      ["virsh-backup", "-q", "-c", uri, "backup-guard", domainUUID]
      + (isSuspended ? ["--suspend"] : []) + (frozenMark.map { ["--freeze", $0] } ?? [])
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child: pid_t = 0
    let status = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, &pointers, environ)
    Glibc.close(input.reading)
    Glibc.close(output.writing)
    pid = child
    toGuard = input.writing
    fromGuard = output.reading
    guard status == 0 else {
      Glibc.close(toGuard)
      toGuard = -1
      throw GuardProcess.failure(String(cString: strerror(status)))
    }
    guard GuardProtocol.line(on: fromGuard, until: nil) == "" else {
      end(waits: true)
      throw GuardProcess.failure("it did not connect")
    }
  }

  /// `POSIX_SPAWN_SETSID`, which glibc shows to GNU sources only.
  private static let ownSession: Int16 = 0x80

  private static func failure(_ why: String) -> BackupError {
    BackupError(.failed, "cannot start the process that guards the held guest: \(why)")
  }

  func hold() throws { try order(GuardProtocol.hold, within: GuardProcess.holdLimit) }

  func release() throws {
    try order(GuardProtocol.release, within: GuardProcess.releaseLimit)
    end(waits: true)
  }

  func abandon() {
    guard toGuard >= 0 else { return }
    try? order(GuardProtocol.release, within: GuardProcess.abandonLimit)
    end(waits: false)
  }

  private func order(_ order: UInt8, within limit: Duration) throws {
    var order = order
    // Our signals are none of a pipe's business: libvirt's are blocked in the same way.
    guard withoutPipeSignal({ write(toGuard, &order, 1) }) == 1,
      let answer = GuardProtocol.line(on: fromGuard, until: .now + limit)
    else {
      throw BackupError(
        .failed, "the process that guards the held guest has ended; try again")
    }
    guard answer.isEmpty else { throw BackupError(.failed, answer) }
  }

  private func end(waits: Bool) {
    guard toGuard >= 0 else { return }
    Glibc.close(toGuard)
    toGuard = -1
    if waitpid(pid, nil, waits ? 0 : WNOHANG) == 0 {
      GuardProcess.abandoned.withLock { $0.append(pid) }
    }
  }

  deinit {
    end(waits: false)
    Glibc.close(fromGuard)
  }
}
