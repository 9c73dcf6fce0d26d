// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Where commands are handed to, and a mark in the environment that keeps it from being ourselves.
///
/// A `virsh` may be a script or a program that runs this one. So each that we start is told who
/// started it, and as what: whoever finds that it is run by that very `virsh` passes it over and
/// takes the next.
struct HandOver {
  /// The variable of the environment.
  static let variable = "VIRSH_BACKUP_HANDED_OVER"

  /// More calls within calls are not believed, whatever the processes look like.
  private static let deepest = 8

  /// Programs named `virsh` that turned out to lead back here.
  private let rejected: [String]
  private let depth: Int

  /// Reads the mark.
  init() {
    let parts = getenv(HandOver.variable).map { String(cString: $0) }?.split(separator: ":") ?? []
    guard parts.count > 2, let starter = pid_t(parts[0]), let depth = Int(parts[1]) else {
      (rejected, self.depth) = ([], 0)
      return
    }
    let paths = parts.dropFirst(2).map(String.init)
    let isBelieved = depth < HandOver.deepest && !HandOver.leads(from: starter, by: paths.last)
    rejected = isBelieved ? [] : paths
    self.depth = depth
  }

  /// The first virsh in `PATH` that is not this program.
  var virsh: String? {
    let directories = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return directories.split(separator: ":").map { "\($0)/virsh" }.first { path in
      guard let file = HandOver.file(path), file.st_mode & S_IFMT == S_IFREG else { return false }
      return access(path, X_OK) == 0 && !rejected.contains(path)
        && !HandOver.isSame(path, "/proc/self/exe")
    }
  }

  /// What the variable says to a virsh that is started by this process, or in its place.
  func mark(for path: String) -> String {
    ([String(getpid()), String(depth + 1)] + rejected + [path]).joined(separator: ":")
  }

  /// Whether the process that started a virsh, or took its place, is above us and no real virsh is
  /// between: one of a real virsh's commands may well start this program, an editor for instance.
  private static func leads(from starter: pid_t, by path: String?) -> Bool {
    var process = getpid()
    while process != starter {
      guard let parent = ProcessIdentity.parent(of: process), parent > 0 else { return false }
      process = parent
      if let path, isSame("/proc/\(process)/exe", path) { return false }
    }
    return true
  }

  private static func isSame(_ first: String, _ second: String) -> Bool {
    guard let one = file(first), let other = file(second) else { return false }
    return one.st_ino == other.st_ino && one.st_dev == other.st_dev
  }

  private static func file(_ path: String) -> stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
  }
}
