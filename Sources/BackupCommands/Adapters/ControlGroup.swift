// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// The control group of a process, all of which a service manager or the kernel may kill or freeze.
enum ControlGroup {
  /// Moves this process to the outermost group it may move to, of the hierarchy by which systemd
  /// ends services and, in version 2, the kernel frees memory.
  ///
  /// An ordinary user may not leave a group that is not their own; then nothing is changed.
  static func leave() {
    for line in (readFile("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let roots =
        fields[1].isEmpty
        ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        : fields[1] == "name=systemd" ? ["/sys/fs/cgroup/systemd"] : []
      let groups = outer(fields[2])
      for root in roots where access("\(root)/cgroup.procs", F_OK) == 0 {
        // Processes are in leaves or at the root: a group between them refuses.
        _ = groups.first { move(to: root + $0) || move(to: "\(root)\($0)/init.scope") }
        break
      }
    }
  }

  /// The groups around one, the outermost first.
  private static func outer(_ path: Substring) -> [String] {
    let parts = path.split(separator: "/")
    return parts.indices.map { parts[..<$0].map { "/\($0)" }.joined() }
  }

  private static func move(to group: String) -> Bool {
    let file = open("\(group)/cgroup.procs", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    return write(file, "0", 1) == 1
  }

  /// Asks the kernel to end this process last of all when memory is short, which root alone may.
  static func protectFromMemoryShortage() {
    let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = write(file, "-1000", 5)
    close(file)
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
