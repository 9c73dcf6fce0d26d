// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// Which node each device of a domain has, found out device by device: of all devices together QEMU
/// tells it only with their whole backing chains.
extension Monitor {
  /// Where QEMU has the devices that libvirt made.
  private static var peripherals: String { "/machine/peripheral" }
  /// How deep a device is looked for another that has its node: USB storage is a SCSI disk on a bus.
  private static var depth: Int { 2 }

  /// The devices of a domain's disks and of its NVRAM.
  ///
  /// - Parameter definition: The live definition.
  /// - Returns: Those that there are: one that is just being unplugged is missing.
  /// - Throws: What the carrier throws.
  package func blockDevices(of definition: DomainDefinition) throws -> [BlockInfo] {
    var devices = try definition.disks.compactMap { try blockDevice(of: $0) }
    if definition.nvram != nil, let flash = try variablesFlash() { devices.append(flash) }
    return devices
  }

  /// The device of a disk of a live definition; nil where there is none.
  ///
  /// - Throws: What the carrier throws.
  package func blockDevice(of disk: DomainDefinition.Disk) throws -> BlockInfo? {
    try disk.alias.flatMap { try device("\(Self.peripherals)/\($0)") }
  }

  /// The node that a device has, under whichever filters that nobody named; nil for a device that is
  /// gone.
  ///
  /// - Throws: An error of the carrier.
  package func node(on device: String) throws -> String? {
    do {
      return try drive(of: device)
    } catch is QMPError {
      return nil
    }
  }

  /// A device, or the one it made for itself, with its node; nil where there is none.
  private func device(_ path: String) throws -> BlockInfo? {
    do {
      guard let node = try drive(of: path) else {
        return try inner(of: path, depth: Self.depth) ?? BlockInfo(qdev: path, inserted: nil)
      }
      return BlockInfo(qdev: path, inserted: .init(nodeName: node))
    } catch is QMPError {
      return nil
    }
  }

  /// The device inside another that has a node.
  private func inner(of path: String, depth: Int) throws -> BlockInfo? {
    guard depth > 0 else { return nil }
    for child in try properties(of: path) where child.isChild {
      let path = "\(path)/\(child.name)"
      // A bus has no such property, an empty drive has nothing in it.
      if let node = try? drive(of: path) {
        return BlockInfo(qdev: path, inserted: .init(nodeName: node))
      }
      if let found = try inner(of: path, depth: depth - 1) { return found }
    }
    return nil
  }

  /// The flash device with the variables of UEFI firmware.
  private func variablesFlash() throws -> BlockInfo? {
    // `system.flash1`, `virt.flash1`: the first flash has the firmware itself.
    let flash = try properties(of: "/machine").first { $0.isChild && $0.name.hasSuffix(".flash1") }
    return try flash.flatMap { try device("/machine/\($0.name)") }
  }
}
