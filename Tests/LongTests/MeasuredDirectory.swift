// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import TestSupport

/// A directory with a file system of its own, of which is counted what reaches it; root only.
final class MeasuredDirectory {
  /// True if such a directory can be made, which takes root and loop devices.
  static var isPossible: Bool { getuid() == 0 && access("/dev/loop-control", W_OK) == 0 }

  /// The directory.
  let path: String
  private let image: String
  private let device: String

  /// Makes the file system and mounts it.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon whose user may write into the directory.
  ///   - size: Bytes of the file system.
  /// - Throws: `CommandError` when any of it fails.
  init(_ libvirt: PrivateLibvirt, size: UInt64) throws {
    let name = libvirt.uniqueName("measured")
    path = "\(libvirt.directory)/mnt/\(name)"
    image = "\(libvirt.directory)/mnt/\(name).img"
    try Command.run("truncate", ["-s", "\(size)", image]).expectSuccess()
    // A journal would count twice what is written to it.
    try Command.run("mkfs.ext4", ["-q", "-O", "^has_journal", image]).expectSuccess()
    device = String(
      try Command.run("losetup", ["--find", "--show", image]).expectSuccess().stdout.prefix {
        $0 != "\n"
      })
    try Command.run("mkdir", [path]).expectSuccess()
    try Command.run("mount", [device, path]).expectSuccess()
    try Command.run("rmdir", ["\(path)/lost+found"]).expectSuccess()
    try libvirt.giveToDaemon(path)
  }

  deinit {
    _ = try? Command.run("umount", ["-l", path])
    _ = try? Command.run("losetup", ["--detach", device])
    for item in [path, image] { try? FileManager.default.removeItem(atPath: item) }
  }

  /// Bytes that have reached the file system since it was mounted.
  ///
  /// - Throws: When that cannot be read.
  func bytesWritten() throws -> UInt64 {
    try Command.run("sync", ["-f", path]).expectSuccess()
    let name = device.split(separator: "/").last ?? ""
    let text = try String(contentsOfFile: "/sys/block/\(name)/stat", encoding: .utf8)
    let numbers = text.split(separator: " ").compactMap { UInt64($0) }
    // The seventh is sectors of 512 bytes, whatever the device has.
    guard numbers.count > 6 else { throw CommandError("not what a device tells: \(text)") }
    return numbers[6] * 512
  }

  /// Bytes that its files occupy.
  ///
  /// - Throws: When they cannot be read.
  func bytesOccupied() throws -> UInt64 {
    let text = try Command.run("du", ["-s", "-B1", path]).expectSuccess().stdout
    guard let bytes = text.split(separator: "\t").first.flatMap({ UInt64($0) }) else {
      throw CommandError("not what du tells: \(text)")
    }
    return bytes
  }
}
