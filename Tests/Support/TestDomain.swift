// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Glibc
import Synchronization

/// A throw-away domain without acceleration; each test makes its own and `remove`s it.
package final class TestDomain: Sendable {
  /// Whether the guest runs.
  package enum Start: Sendable {
    /// The domain is defined and shut off.
    case off
    /// QEMU runs, the guest does not: changes come from the test alone.
    case paused
    /// The guest runs.
    case running
  }

  /// The daemon the domain belongs to.
  package let libvirt: PrivateLibvirt
  /// The domain's name.
  package let name: String
  /// The directory that holds the images, the models and the guest's reports.
  package let directory: String
  /// Set when the disks carry the boot-sector guest.
  package let guest: CounterGuest?
  /// Set when the domain runs Linux.
  package let linux: LinuxGuest?
  private let disks: Mutex<[String: TestDisk]>
  private let models: Mutex<[String: ReferenceImage]>
  private let definition: String

  /// Makes images, defines the domain and starts it.
  ///
  /// - Parameters:
  ///   - libvirt: The daemon.
  ///   - disks: The disks, the one to boot from first.
  ///   - name: The domain's name; a new one when nil.
  ///   - counting: Whether to put the boot-sector guest on the first disk.
  ///   - isLinux: Whether to run Linux, with a file system on each of the disks `vda` and `vdb`.
  ///   - start: What to do after defining it.
  /// - Throws: `CommandError` when any of it fails.
  package init(
    _ libvirt: PrivateLibvirt, disks: [TestDisk], name: String? = nil, counting: Bool = false,
    isLinux: Bool = false, start: Start = .paused
  ) throws {
    self.libvirt = libvirt
    self.name = name ?? libvirt.uniqueName("dom")
    directory = try libvirt.makeDirectory(self.name)
    guest = counting ? try CounterGuest(libvirt, directory: directory) : nil
    linux = isLinux ? try LinuxGuest(libvirt, directory: directory) : nil
    var made: [String: TestDisk] = [:], models: [String: ReferenceImage] = [:], devices = ""
    for (index, disk) in disks.enumerated() {
      let disk = try Self.make(disk, in: directory, libvirt)
      made[disk.target] = disk
      try linux?.install(on: disk.path ?? "", disk)
      if !counting, !isLinux { models[disk.target] = try Self.model(of: disk, in: directory) }
      devices += disk.xml(path: disk.path ?? "", index: index)
    }
    if let guest, let first = disks.first, let path = made[first.target]?.path {
      try guest.install(on: path, first.format, size: disks.map(\.size).min() ?? 0)
    }
    definition = Self.xml(
      name: self.name, devices: devices,
      ioThreads: disks.flatMap(\.ioThreads).max() ?? 0, guest: guest, linux: linux)
    self.disks = Mutex(made)
    self.models = Mutex(models)
    try define()
    switch start {
    case .off: break
    case .paused: try self.start(paused: true)
    case .running: try self.start()
    }
  }

  // MARK: - Life

  /// Defines the domain as it was at first.
  ///
  /// - Throws: `CommandError` when libvirt refuses.
  package func define() throws {
    let file = "\(directory)/domain.xml"
    try definition.write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.virsh("define", file)
  }

  /// Starts the domain.
  ///
  /// - Throws: `CommandError` when libvirt refuses.
  package func start(paused: Bool = false) throws {
    try libvirt.virsh(["start", name] + (paused ? ["--paused"] : []))
  }

  /// Ends QEMU as libvirt does; it closes its images.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func destroy() throws { try libvirt.virsh("destroy", name) }

  /// Kills QEMU with SIGKILL and waits until libvirt has noticed.
  ///
  /// - Throws: `CommandError` when the domain does not run.
  package func killQEMU() throws {
    guard let pid = libvirt.qemuPID(domain: name) else {
      throw CommandError("\(name) does not run")
    }
    kill(pid, SIGKILL)
    try eventually("\(name) is shut off") { try state() == "shut off" }
  }

  /// The state in virsh's words: `running`, `paused`, `shut off`.
  ///
  /// - Throws: `CommandError` when there is no such domain.
  package func state() throws -> String {
    try libvirt.virsh("domstate", name).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Forgets the domain's definition; the images stay.
  ///
  /// - Throws: `CommandError` when libvirt refuses.
  package func undefine() throws {
    try libvirt.virsh(
      "undefine", name, "--managed-save", "--snapshots-metadata", "--checkpoints-metadata")
  }

  /// Ends and forgets the domain and deletes its files; what is gone already is no error.
  package func remove() {
    try? destroy()
    try? undefine()
    try? FileManager.default.removeItem(atPath: directory)
  }

  // MARK: - Disks

  /// The disks, sorted by target.
  package var allDisks: [TestDisk] {
    disks.withLock { $0.values.sorted { $0.target < $1.target } }
  }

  /// The image of a disk.
  ///
  /// - Throws: `CommandError` when there is no such disk.
  package func path(_ target: String) throws -> String {
    guard let path = try disk(target).path else { throw CommandError("no image: \(target)") }
    return path
  }

  /// The model of what a disk must contain; a domain whose guest runs has none.
  ///
  /// - Throws: `CommandError` when there is no such disk.
  package func model(_ target: String) throws -> ReferenceImage {
    guard let model = models.withLock({ $0[target] }) else {
      throw CommandError("no model: \(target)")
    }
    return model
  }

  /// Copies of the models of all disks, for a comparison with this instant.
  ///
  /// - Throws: `CommandError` when there is no room.
  package func save() throws -> [String: ReferenceImage] {
    try models.withLock { $0 }.mapValues { try $0.save() }
  }

  /// Does something to a disk as the guest would, and to its model.
  ///
  /// - Parameters:
  ///   - target: The disk's target name.
  ///   - command: A `qemu-io` command: `write -P 0x11 0 8M`, `write -z -u 1M 1M`, `discard 0 64k`.
  /// - Throws: `CommandError` when the disk does not exist or the command is none of these.
  package func write(_ target: String, _ command: String) throws {
    let change = try DiskChange(command)
    let reply = try libvirt.virsh(
      "qemu-monitor-command", name, "--hmp",
      "qemu-io -d \(try device(of: target)) \"\(change.text)\"")
    guard reply.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty else {
      throw CommandError("\(target): \(command): \(reply)")
    }
    try models.withLock { $0[target] }?.apply(change)
  }

  /// Does several things to a disk as the guest would, one right after the other, and to its model.
  ///
  /// - Throws: `CommandError` when the disk does not exist or QEMU refuses one of them.
  package func change(_ target: String, _ changes: [DiskChange]) throws {
    let device = try device(of: target)
    let commands = changes.map {
      "qemu-monitor-command \(name) --hmp 'qemu-io -d \(device) \"\($0.text)\"'"
    }
    let reply = try libvirt.virsh(commands.joined(separator: "; "))
    guard reply.allSatisfy(\.isWhitespace) else { throw CommandError("\(target): \(reply)") }
    let model = models.withLock { $0[target] }
    for change in changes { try model?.apply(change) }
  }

  /// Plugs a disk into the running domain, and into its definition too unless told.
  ///
  /// - Throws: `CommandError` when libvirt refuses.
  package func attach(_ disk: TestDisk, persistent: Bool = true) throws {
    let disk = try Self.make(disk, in: directory, libvirt)
    let file = "\(directory)/\(disk.target).xml"
    try disk.xml(path: disk.path ?? "", index: allDisks.count)
      .write(toFile: file, atomically: false, encoding: .utf8)
    try libvirt.virsh(
      ["attach-device", name, file, "--live"] + (persistent ? ["--config"] : []))
    let model = try Self.model(of: disk, in: directory)
    disks.withLock { $0[disk.target] = disk }
    models.withLock { $0[disk.target] = model }
  }

  /// What differs between the domain's own images and their models; the domain must be shut off.
  ///
  /// - Throws: When an image cannot be read.
  package func differences() throws -> [String] {
    try allDisks.compactMap { disk in
      try model(disk.target).difference(from: try path(disk.target), format: disk.format)
    }
  }

  /// The name by which the monitor's `qemu-io -d` knows the device.
  private func device(of target: String) throws -> String {
    let element = try libvirt.virsh("dumpxml", name).components(separatedBy: "<disk ")
      .first { $0.contains("<target dev='\(target)'") }
    guard let alias = element?.firstMatch(of: /<alias name='([^']+)'/)?.1 else {
      throw CommandError("\(name) has no disk \(target) now")
    }
    let isVirtio = element?.contains("bus='virtio'") == true
    return isVirtio ? "/machine/peripheral/\(alias)/virtio-backend" : String(alias)
  }

  private func disk(_ target: String) throws -> TestDisk {
    guard let disk = disks.withLock({ $0[target] }) else {
      throw CommandError("no disk \(target)")
    }
    return disk
  }
}
