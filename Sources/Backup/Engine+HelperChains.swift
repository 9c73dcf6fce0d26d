// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// The images of a helper domain.
///
/// libvirt has each file of a chain as a raw disk, of which it asks little. The images are nodes over
/// these that no device has: what QEMU tells libvirt of its devices is short then, however long the
/// chain.
extension Engine {
  /// Opens what a helper domain is to have open.
  ///
  /// - Parameters:
  ///   - disks: The disks, in the order of the definition.
  ///   - definition: What the helper was started from.
  ///   - helper: The helper.
  /// - Returns: What its QEMU has for each disk, under the names asked for, in that order.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func open(
    _ disks: [HelperDisk], of definition: HelperDefinition, in helper: any Guest
  ) throws -> [LiveDisk] {
    let live = try DomainDefinition(parsing: try helper.definition())
    let opened = Dictionary(
      live.disks.map { ($0.target, $0) }, uniquingKeysWith: { first, _ in first })
    let files = try disks.indices.map { index in
      try definition.targets(of: index).map { target in
        guard let disk = opened[target] else {
          throw BackupError(.failed, "the helper domain has not all disks")
        }
        return disk
      }
    }
    var chains: [[String]] = []
    for (number, disk) in disks.enumerated() {
      chains.append(
        disk.disk.isLayered
          ? try layer(files[number], number: number, isReadOnly: disk.disk.isReadOnly, in: helper)
          : [])
    }
    let nodes = try helper.monitor.blockNodes().byName
    var whole = live
    whole.disks = zip(files, chains).flatMap { files, chain in chain.isEmpty ? files : [] }
    let devices = try helper.monitor.blockDevices(of: whole)
    return try disks.indices.flatMap { index -> [LiveDisk] in
      guard !chains[index].isEmpty else {
        return try files[index].map { file in
          var disk = try LiveDisk(file, nodes: nodes, devices: devices)
          disk.name = disks[index].name
          return disk
        }
      }
      let chain = chains[index].compactMap { nodes[$0] }
      guard chain.count == chains[index].count else {
        throw BackupError(.failed, "the helper domain has not all disks")
      }
      return [
        LiveDisk(
          name: disks[index].name, chain: chain, sources: files[index].compactMap { $0.source })
      ]
    }
  }

  /// Puts the images of a chain over their files.
  ///
  /// - Parameters:
  ///   - files: The files, the active layer's first.
  ///   - number: The place of the disk among those of the helper.
  ///   - isReadOnly: Whether the active layer is opened read-only; the others are.
  ///   - helper: The helper.
  /// - Returns: The images' nodes, the active layer's first.
  /// - Throws: ``BackupError`` or `QMPError`.
  private func layer(
    _ files: [DomainDefinition.Disk], number: Int, isReadOnly: Bool, in helper: any Guest
  ) throws -> [String] {
    var nodes: [String] = []
    for (place, file) in files.enumerated().reversed() {
      try stopIfInterrupted()
      guard let index = file.chain.first?.index else {
        throw BackupError(.failed, "the helper domain has not all disks")
      }
      let isWritten = place == 0 && !isReadOnly
      if isWritten { try release(file, number: number, in: helper.monitor) }
      // The names have no part of the operation's: what belongs to that is found by its names.
      let node = "chain-\(number)-\(place)"
      try helper.monitor.execute(
        .blockdevAdd(
          .layer(
            node, file: "libvirt-\(index)-storage", backing: nodes.last, readOnly: !isWritten)))
      nodes.append(node)
    }
    return nodes.reversed()
  }

  /// Takes a file that is to be written from the device that has it: only one may write.
  private func release(
    _ file: DomainDefinition.Disk, number: Int, in monitor: any Monitor
  ) throws {
    let nothing = "nothing-\(number)"
    try monitor.execute(.blockdevAdd(.null(nothing)))
    if let device = try monitor.blockDevice(of: file)?.qdev {
      try monitor.execute(.setDrive(device: device, node: nothing))
    }
  }
}
