// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import DomainXML
import Glibc

/// Who this process is, and whether another still runs.
enum ProcessIdentity {
  /// This process.
  static let own = Partial.Owner(
    host: hostName(), bootID: bootID(), pid: getpid(), startTime: startTime(of: getpid()) ?? 0)

  /// Whether a client still runs.
  ///
  /// Only on its own machine and in the same boot can that be known; a process id that was given
  /// to another process since is told by its start time.
  static func liveness(of owner: Partial.Owner) -> Engine.Liveness {
    guard owner.host == own.host else { return .unknown }
    guard owner.bootID == own.bootID else { return .dead }
    return startTime(of: owner.pid) == owner.startTime ? .alive : .dead
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func bootID() -> String {
    let text = readFile("/proc/sys/kernel/random/boot_id") ?? ""
    return String(text.prefix { $0 != "\n" })
  }

  /// The process that started another; nil when there is no such process.
  static func parent(of pid: Int32) -> Int32? {
    status(of: pid).flatMap { $0.count > 1 ? Int32($0[1]) : nil }
  }

  /// Field 22 of `/proc/PID/stat`, in clock ticks since the boot; nil when there is no such process.
  private static func startTime(of pid: Int32) -> UInt64? {
    // One that waits to be reaped is dead.
    guard let fields = status(of: pid), fields.count > 19, fields[0] != "Z", fields[0] != "X" else {
      return nil
    }
    return UInt64(fields[19])
  }

  /// The fields of `/proc/PID/stat` from number 3 on, the state: those after the name.
  private static func status(of pid: Int32) -> [Substring]? {
    guard let text = readFile("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
      return nil
    }
    return text[text.index(after: end)...].split(separator: " ")
  }

  private static func readFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
