// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// A domain with UEFI firmware and an emulated TPM, and a pool for its backups.
///
/// Its disk holds a script for the shell of the firmware, which lists the boot entries, makes one
/// and ends the domain.
struct FirmwareScene {
  let libvirt: PrivateLibvirt
  let domain: TestDomain
  let pool: Pool
  /// The domain's UUID.
  let uuid: String
  /// What the domain says on its serial port.
  private let serial: String

  /// What the script calls its boot entry.
  static let bootEntry = "made by the guest"

  /// Makes the domain, shut off, and an empty pool.
  init(_ libvirt: PrivateLibvirt, format: TestDisk.Format = .raw) throws {
    self.libvirt = libvirt
    domain = try TestDomain(
      libvirt, disks: [TestDisk("vda", format, size: 8 << 20)], start: .off)
    do {
      pool = try Pool(libvirt)
      // A copy would have its own name in place of the domain's.
      serial = "\(try libvirt.makeDirectory("serial"))/serial"
      try domain.redefine(replacing: [
        (
          "<os>",
          "<os firmware='efi'><firmware><feature enabled='no' name='secure-boot'/></firmware>"
        ), ("<memory unit='KiB'>32768</memory>", "<memory unit='KiB'>131072</memory>"),
        ("<currentMemory unit='KiB'>32768</currentMemory>", ""),
        (
          "</devices>",
          """
          <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
          <serial type='file'><source path='\(serial)'/></serial></devices>
          """
        ),
      ])
      uuid = try libvirt.uuid(of: domain.name)
    } catch {
      domain.remove()
      throw error
    }
  }

  /// Ends and forgets all of it.
  func remove() {
    try? FileManager.default.removeItem(
      at: URL(filePath: serial).deletingLastPathComponent())
    forget(domain.name)
    domain.remove()
    pool.remove()
  }

  /// Ends and forgets a domain with its NVRAM and the state of its TPM.
  func forget(_ name: String) {
    _ = try? libvirt.virsh("destroy", name)
    _ = try? libvirt.virsh("undefine", name, "--nvram")
  }

  /// Runs a command on the domain and the pool, where the daemon's paths are ours.
  @discardableResult
  func run(
    _ command: String, _ more: String..., environment: [String: String] = [:]
  ) throws -> CommandResult {
    try Program.run(
      libvirt, [command, domain.name, "--pool", pool.name] + more, as: .besideTheDaemon,
      environment: environment)
  }

  // MARK: - State

  /// The directory of the daemon's own files of a kind: `nvram`, `swtpm`.
  private func directory(_ kind: String) -> String {
    switch (libvirt.mode, kind) {
    case (.session, _): "\(libvirt.directory)/c/libvirt/qemu/\(kind)"
    case (.system, "nvram"): libvirt.hostPath("/var/lib/libvirt/qemu/nvram")
    case (.system, _): libvirt.hostPath("/var/lib/libvirt/\(kind)")
    }
  }

  /// The NVRAM that libvirt gives a domain of a name.
  func nvram(of name: String) -> String { "\(directory("nvram"))/\(name)_VARS.fd" }

  /// The file of a TPM's state.
  func tpm(of uuid: String) -> String { "\(directory("swtpm"))/\(uuid)/tpm2/tpm2-00.permall" }

  /// The bytes of a file.
  func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(filePath: path))
  }

  /// Writes bytes into the NVRAM, as the guest of a running domain would.
  func writeNVRAM(_ byte: UInt8) throws {
    try libvirt.virsh(
      "qemu-monitor-command", domain.name, "--hmp",
      "qemu-io -d /machine/system.flash1 \"write -P \(byte) 128k 64k\"")
  }

  /// Writes or reads an NV index of a TPM that no domain uses.
  @discardableResult
  func index(_ command: String, in directory: String, _ text: String...) throws -> String {
    let command =
      libvirt.clientPrefix + [PrivateLibvirt.file("tpm-index"), command, directory] + text
    return try Command.run(command[0], Array(command.dropFirst())).expectSuccess().stdout
  }

  // MARK: - The script

  /// Puts the script on the disk.
  func installScript() throws {
    let script = "\(domain.directory)/startup.nsh"
    try """
    @echo -off\r
    bcfg boot dump\r
    echo done\r
    bcfg boot add 0 FS0:\\startup.nsh "\(Self.bootEntry)"\r
    reset -s\r

    """.write(toFile: script, atomically: false, encoding: .utf8)
    let image = try domain.path("vda")
    try Command.run("mformat", ["-i", image, "-T", "16384", "::"]).expectSuccess()
    try Command.run("mcopy", ["-i", image, script, "::"]).expectSuccess()
  }

  /// Starts a domain and waits until the script has ended it.
  ///
  /// - Returns: Whether the boot entry was there before.
  func boot(_ name: String) throws -> Bool {
    try libvirt.virsh("start", name)
    try eventually("the script ends \(name)", within: .seconds(180)) {
      try libvirt.virsh("domstate", name).contains("shut off")
    }
    let text = String(decoding: try bytes(serial), as: UTF8.self)
    guard let list = text.components(separatedBy: "done").first, list.contains("Boot0000") else {
      throw CommandError("the shell of the firmware listed no boot entries: \(text)")
    }
    return list.contains(Self.bootEntry)
  }
}
