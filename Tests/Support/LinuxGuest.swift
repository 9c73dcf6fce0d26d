// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A Linux kernel with QEMU's guest agent and a writer of journals, `linux-guest-init`.
///
/// The writer appends numbered lines to a file on the first disk and then on the second, each after
/// the one before is on its disk, so that at any instant the first disk is ahead by 0 or 1.
package final class LinuxGuest: Sendable {
  /// Whether kernel and initrd could be made, once for this process; other processes share them.
  private static let made = Result { () throws(CommandError) -> String in
    let project = URL(filePath: PrivateLibvirt.file("")).appending(path: "../..").standardized
    let directory = project.appending(path: ".build/linux-guest").path
    try Command.run(
      PrivateLibvirt.file("linux-guest"), [directory], timeout: .seconds(600)
    ).expectSuccess()
    return directory
  }

  private let directory: String
  private let consoles: String

  /// Puts a kernel and an initrd where the daemon's QEMUs can read them.
  ///
  /// - Throws: `CommandError` when there are none and they cannot be made.
  init(_ libvirt: PrivateLibvirt, directory: String) throws {
    let made = try Self.made.get()
    // Not links: libvirt changes the owner of what it gives to a QEMU.
    try Command.run("cp", ["\(made)/kernel", "\(made)/initrd", directory]).expectSuccess()
    self.directory = directory
    consoles = try libvirt.makeDirectory("consoles")
    if libvirt.mode == .system {
      try Command.run("chown", ["\(libvirt.uid):\(libvirt.gid)", consoles]).expectSuccess()
    }
  }

  // MARK: - What a domain needs

  /// What a definition says of the start; a guest that is busy reads and writes without a pause.
  ///
  /// The kernel panics where it counts too few ticks of its timer at the start, as it does now and then when
  /// an emulated processor hardly runs, unless it is told not to look.
  func boot(isBusy: Bool) -> String {
    """
    <kernel>\(directory)/kernel</kernel>
    <initrd>\(directory)/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 no_timer_check\(isBusy ? " busy" : "")</cmdline>
    """
  }

  /// The console and the agent's channel.
  ///
  /// The console's file has the domain's name, so that a copy gets one of its own.
  func devices(_ name: String) -> String {
    """
    <serial type='file'><source path='\(consoles)/\(name)'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    """
  }

  /// Writes a file system with some data over an empty image.
  ///
  /// - Throws: `CommandError` when the image cannot be written.
  func install(on image: String, _ disk: TestDisk) throws {
    let files = "\(directory)/\(disk.target).files", raw = "\(directory)/\(disk.target).new"
    try Command.run("mkdir", [files]).expectSuccess()
    let size = disk.size / 8
    try Command.run(
      "dd", ["if=/dev/urandom", "of=\(files)/data", "bs=\(size)", "count=1", "status=none"]
    ).expectSuccess()
    let sums = try Command.run("md5sum", ["data"], directory: files).expectSuccess().stdout
    try sums.write(toFile: "\(files)/sums", atomically: false, encoding: .utf8)
    try Command.run(
      "mke2fs", ["-q", "-t", "ext4", "-b", "4096", "-d", files, raw, "\(disk.size / 1024)k"]
    ).expectSuccess()
    try Command.run(
      "qemu-img", ["convert", "-n", "-f", "raw", "-O", disk.format.rawValue, raw, image]
    ).expectSuccess()
    try Command.run("rm", ["-r", files, raw]).expectSuccess()
  }

  // MARK: - What it says

  /// The console of the domain by this name, or of a copy of it.
  package func console(_ name: String) -> LinuxConsole {
    LinuxConsole(path: "\(consoles)/\(name)")
  }

  /// What is wrong with the file system in an image that no QEMU holds, with nothing repaired: that
  /// its journal must be gone through first is wrong too.
  ///
  /// - Throws: `CommandError` when the image cannot be read.
  package func damage(in image: String, _ format: TestDisk.Format) throws -> String? {
    let raw = "\(directory)/\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: raw) }
    try Command.run(
      "qemu-img", ["convert", "-f", format.rawValue, "-O", "raw", image, raw]
    ).expectSuccess()
    // The check itself leaves out the journal and may find nothing.
    let state = try Command.run("dumpe2fs", ["-h", raw]).expectSuccess().stdout
    guard !state.contains("needs_recovery") else { return state }
    let result = try Command.run("e2fsck", ["-f", "-n", raw])
    return result.status == 0 ? nil : result.description
  }
}
