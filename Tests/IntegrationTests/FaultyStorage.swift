// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport

/// An ext4 file system of the tests' own, on a loop device over a sparse file in a small file system
/// in memory; root only.
///
/// What is written to it fails with EIO once that one is full, and its power can be cut.
final class FaultyStorage {
  /// Whether there can be any.
  static let isPossible = LoopDevices.arePossible

  /// Where it is mounted.
  let directory: String
  private let backing: String

  /// Makes it.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon that will use it.
  ///   - limit: Bytes that it can take in all, with its own tables.
  /// - Throws: `CommandError` when any of it fails; nothing is left then.
  init(_ libvirt: PrivateLibvirt, limit: UInt64) throws {
    let name = libvirt.uniqueName("faulty")
    directory = "\(libvirt.directory)/mnt/\(name)"
    backing = "\(libvirt.directory)/mnt/\(name).backing"
    for path in [directory, backing] where mkdir(path, 0o755) != 0 {
      throw CommandError("cannot make \(path)")
    }
    do {
      try Command.run(
        "mount", ["-t", "tmpfs", "-o", "size=\(limit),mode=0755", "tmpfs", backing]
      ).expectSuccess()
      try Command.run("truncate", ["-s", "512M", "\(backing)/file"]).expectSuccess()
      try Command.run(
        "mkfs.ext4",
        ["-q", "-J", "size=4", "-E", "nodiscard,lazy_journal_init=1", "\(backing)/file"]
      ).expectSuccess()
      try mount()
      try libvirt.giveToDaemon(directory)
    } catch {
      remove()
      throw error
    }
  }

  // A device of its own each time: another test's daemon may have the earlier mount in its namespace,
  // and the kernel would go on with that file system. The device goes with the mount.
  private func mount() throws {
    let device = try Command.run("losetup", ["--find", "--show", "\(backing)/file"])
      .expectSuccess().stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    defer { _ = try? Command.run("losetup", ["--detach", device]) }
    try Command.run("mount", ["-t", "ext4", "-o", "nodiscard", device, directory])
      .expectSuccess()
  }

  /// Takes the room that is left: what has no place yet cannot be written any more.
  func fill() throws {
    _ = try Command.run("dd", ["if=/dev/zero", "of=\(backing)/other", "bs=4k"])
  }

  /// Gives it back.
  func drain() { unlink("\(backing)/other") }

  /// Has nothing that is not on disk reach it any more, as when the power fails.
  ///
  /// The corresponding request is `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`.
  func cutPower() throws {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    var flags: UInt32 = 2
    guard ioctl(descriptor, 0x8004_587D, &flags) == 0 else {
      throw CommandError("the power of \(directory) cannot be cut: errno \(errno)")
    }
  }

  /// Mounts it again, as after a new start of the machine: what was only in memory is gone.
  func restart() throws {
    try eventually("\(directory) is unmounted", within: .seconds(60)) {
      try Command.run("umount", [directory]).status == 0
    }
    try mount()
  }

  /// Removes it.
  func remove() {
    _ = try? Command.run("umount", ["-l", directory])
    _ = try? Command.run("umount", ["-l", backing])
    rmdir(directory)
    rmdir(backing)
  }
}
