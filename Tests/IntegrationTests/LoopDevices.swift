// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import TestSupport

/// Block devices on files of a size; root only, and only where the system has loop devices.
struct LoopDevices: ~Copyable {
  /// Whether there can be any.
  static let arePossible = getuid() == 0 && access("/dev/loop-control", W_OK) == 0

  /// The devices.
  private(set) var paths: [String] = []

  /// Makes the files in a directory, and devices on them.
  init(_ sizes: [UInt64], in directory: String, _ libvirt: PrivateLibvirt) throws {
    for (number, size) in sizes.enumerated() {
      let file = "\(directory)/device\(number)"
      try Command.run("truncate", ["-s", "\(size)", file]).expectSuccess()
      let path = try Command.run("losetup", ["--find", "--show", file]).expectSuccess().stdout
      paths.append(String(path.prefix { $0 != "\n" }))
      // In system mode QEMU may not open it: the client has to.
      if libvirt.mode == .session, let path = paths.last { try libvirt.giveToDaemon(path) }
    }
  }

  deinit {
    for path in paths {
      chown(path, 0, 0)
      _ = try? Command.run("losetup", ["--detach", path])
    }
  }
}
