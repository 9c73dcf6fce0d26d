// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// The images of a helper domain.
///
/// libvirt has each file of a chain as a raw disk, of which it asks little. The images are nodes over
/// these that no device has: what QEMU tells libvirt of its devices is short then, however long the
/// chain.
extension HelperDomain {
  /// Opens what a helper domain is to have open.
  ///
  /// - Parameters:
  ///   - disks: The disks, in the order of the definition.
  ///   - definition: What the helper was started from.
  ///   - helper: The helper.
  ///   - observer: Who may ask to stop.
  /// - Returns: What its QEMU has for each disk, under the names asked for, in that order.
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  static func open(
    _ disks: [Disk], of definition: HelperDefinition, in helper: any Guest,
    observer: any Observer
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
    for (number, disk) in disks.enumerated() where disk.disk.isLayered {
      try layer(
        files[number], number: number, isReadOnly: disk.disk.isReadOnly, in: helper,
        observer: observer)
    }
    let nodes = try helper.monitor.blockNodes()
    let chains = HelperChain.all(in: live, nodes: nodes)
    let byName = nodes.byName
    var whole = live
    whole.disks = disks.indices.filter { !disks[$0].disk.isLayered }.flatMap { files[$0] }
    let devices = try helper.monitor.blockDevices(of: whole)
    return try disks.enumerated().map { number, disk in
      guard !disk.disk.isLayered else {
        guard let chain = chains.first(where: { $0.number == number }),
          chain.nodes.count == files[number].count
        else { throw BackupError(.failed, "the helper domain has not all disks") }
        return LiveDisk(
          name: disk.name, chain: chain.nodes.compactMap { byName[$0] },
          sources: files[number].map(\.source))
      }
      guard let file = files[number].first else {
        throw BackupError(.failed, "the helper domain has not all disks")
      }
      var live = try LiveDisk(file, nodes: byName, devices: devices)
      live.name = disk.name
      return live
    }
  }

  /// Puts the images of a chain over their files.
  ///
  /// - Parameters:
  ///   - files: The files, the active layer's first.
  ///   - number: The place of the disk among those of the helper.
  ///   - isReadOnly: Whether the active layer is opened read-only; the others are.
  ///   - helper: The helper.
  ///   - observer: Who may ask to stop.
  /// - Throws: ``BackupError`` or `QMPError`.
  private static func layer(
    _ files: [DomainDefinition.Disk], number: Int, isReadOnly: Bool, in helper: any Guest,
    observer: any Observer
  ) throws {
    var below: String?
    for (place, file) in files.enumerated().reversed() {
      try observer.stopIfInterrupted()
      guard let index = file.chain.first?.index else {
        throw BackupError(.failed, "the helper domain has not all disks")
      }
      let isWritten = place == 0 && !isReadOnly
      if isWritten { try release(file, number: number, in: helper.monitor) }
      let layer = HelperLayer(number: number, place: place, index: index)
      try helper.monitor.execute(
        .blockdevAdd(
          .layer(layer.node, file: layer.file, backing: below, readOnly: !isWritten)))
      below = layer.node
    }
  }

  /// Takes a file that is to be written from the device that has it: only one may write.
  private static func release(
    _ file: DomainDefinition.Disk, number: Int, in monitor: any Monitor
  ) throws {
    let nothing = "nothing-\(number)"
    try monitor.execute(.blockdevAdd(.null(nothing)))
    if let device = try monitor.blockDevice(of: file)?.qdev {
      try monitor.execute(.setDrive(device: device, node: nothing))
    }
  }
}

/// Volumes of the pool, as a helper domain opens them.
extension Repository {
  /// A disk of a point, as a helper opens it: what it is made of, and what the volumes are.
  ///
  /// - Throws: ``BackupError`` for what is no regular file: libvirt and QEMU follow links, and libvirt
  ///   gives what they lead to another owner.
  package func helperDisk(
    _ chain: [Manifest.Disk], format: String = "qcow2"
  ) throws -> HelperDefinition.Disk {
    .init(chain: try chain.map { try helperImage($0.volume.name, format: format) })
  }

  /// A volume of the pool, as a helper opens it.
  ///
  /// - Throws: As ``helperDisk(_:format:)``.
  package func helperImage(_ volume: String, format: String) throws -> DomainDefinition.Image {
    do {
      try requireFile(volume)
    } catch let error as BackupError {
      throw BackupError(error.code, "volume '\(volume)' cannot be used: \(error)")
    }
    return .init(source: .file(path(of: volume)), format: format, index: nil)
  }
}
