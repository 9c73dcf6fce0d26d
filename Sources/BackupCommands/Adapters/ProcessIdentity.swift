// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import DomainXML
import Glibc

/// Who this process is, and whether another still runs.
enum ProcessIdentity {
  /// This process.
  static let own = Partial.Owner(
    host: hostName(), bootID: bootID(), pid: getpid(), startTime: startTime(of: getpid()) ?? 0,
    pidNamespace: pidNamespace())

  /// Whether a client still runs.
  ///
  /// Only on its own machine, in the same boot and among the same processes can that be known; two
  /// machines may have one name, and so may two containers. A process id that was given to another
  /// process since is told by its start time.
  static func liveness(of owner: Partial.Owner) -> ClientProcess.Liveness {
    guard owner.host == own.host, owner.bootID == own.bootID,
      owner.pidNamespace == nil || owner.pidNamespace == own.pidNamespace
    else { return .unknown }
    if startTime(of: owner.pid) == owner.startTime { return .alive }
    return owner.pidNamespace == nil ? .unknown : .dead
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Whether a host name is this machine's, with or without a domain.
  static func isOwnName(_ name: String) -> Bool {
    func label(_ name: String) -> Substring { name.prefix { $0 != "." } }
    return label(name) == label(own.host)
  }

  private static func bootID() -> String {
    let text = readFile("/proc/sys/kernel/random/boot_id") ?? ""
    return String(text.prefix { $0 != "\n" })
  }

  /// The inode of our PID namespace; nil where `/proc` does not tell.
  private static func pidNamespace() -> UInt64? {
    var status = stat()
    return stat("/proc/self/ns/pid", &status) == 0 ? UInt64(status.st_ino) : nil
  }

  /// What systemd calls this machine; nil where it does not.
  static func machineID() -> String? {
    readFile("/etc/machine-id").map { String($0.prefix { $0 != "\n" }) }.flatMap {
      $0.isEmpty ? nil : $0
    }
  }

  /// When this machine was started, in seconds since 1970-01-01T00:00:00Z.
  static func bootTime() -> Int64? {
    let line = readFile("/proc/stat", atMost: 1 << 20)?.split(separator: "\n").first {
      $0.hasPrefix("btime ")
    }
    return line.flatMap { Int64($0.dropFirst("btime ".count)) }
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

  private static func readFile(_ path: String, atMost limit: Int = 4096) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
