// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

extension [BlockNode] {
  /// The nodes by their names.
  package var byName: [String: BlockNode] {
    Dictionary(map { ($0.nodeName, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

/// A disk of a running domain: what libvirt says of it and what QEMU has for it.
package struct LiveDisk: Sendable, Equatable {
  /// The target name, `vda`.
  package var name: String
  /// Format of the active layer (`qcow2`, `raw`).
  package var format: String
  /// `qom-set` path of the device.
  package var device: String
  /// Node that has the bitmaps and that a filter goes over.
  package var node: BlockNode
  /// The nodes below it, the backing chain, top first.
  package var backing: [BlockNode]
  /// Whether others may write to the image, of which QEMU records nothing.
  package var isShareable: Bool
  /// Where the images are, top first.
  package var sources: [DomainDefinition.Source]

  /// Bytes the guest sees.
  package var capacity: UInt64 { node.image.virtualSize }

  /// Whether the guest sees a block device as it is.
  package var isRawBlockDevice: Bool {
    guard case .block = sources.first else { return false }
    return node.driver == "raw" || node.driver == "host_device"
  }

  /// Bytes its images occupy, never more than the capacity.
  package var allocation: UInt64 {
    let sum = ([node] + backing).reduce(UInt64(0)) {
      $0 &+ ($1.image.actualSize ?? $1.image.virtualSize)
    }
    return min(sum, capacity)
  }

  /// Whether the image has internal snapshots, which a stored bitmap would make unusable.
  package var hasInternalSnapshots: Bool { !(node.image.snapshots ?? []).isEmpty }

  /// Whether a bitmap outlives the process.
  package var keepsBitmaps: Bool {
    node.driver == "qcow2" && node.image.formatSpecific?.data?.compat == "1.1"
      && !hasInternalSnapshots
  }

  /// Finds what QEMU has for a disk.
  ///
  /// - Throws: ``BackupError`` with code `busy` when another job has a filter over the disk, or
  ///   `failed` when QEMU does not know it.
  package init(
    _ disk: DomainDefinition.Disk, nodes: [String: BlockNode], devices: [BlockInfo]
  ) throws {
    guard let alias = disk.alias,
      let info = devices.first(where: { LiveDisk.isDevice($0.qdev, alias: alias) })
    else { throw BackupError(.failed, "QEMU has no device for disk '\(disk.target)'") }
    guard let index = disk.chain.first?.index,
      let node = LiveDisk.node(index: index, among: nodes)
    else { throw BackupError(.failed, "QEMU has no node for disk '\(disk.target)'") }
    if let top = info.inserted?.nodeName, top != node.nodeName {
      throw BackupError(
        .busy, "disk '\(disk.target)' has an active block job (node '\(top)' is over it)")
    }
    name = disk.target
    format = disk.format ?? node.driver
    device = info.qdev
    self.node = node
    backing = disk.chain.dropFirst().compactMap(\.index).compactMap {
      LiveDisk.node(index: $0, among: nodes)
    }
    isShareable = disk.isShareable
    sources = disk.chain.map(\.source)
  }

  /// Makes the description of a disk that no device has.
  ///
  /// - Parameters:
  ///   - name: The target name.
  ///   - chain: Its nodes, top first; not empty.
  ///   - sources: Where the images are, top first.
  package init(name: String, chain: [BlockNode], sources: [DomainDefinition.Source]) {
    self.name = name
    node = chain[0]
    format = node.driver
    device = ""
    backing = Array(chain.dropFirst())
    isShareable = false
    self.sources = sources
  }

  /// The node libvirt made for an image: of its format, or of its file where there is no other.
  package static func node(index: Int, among nodes: [String: BlockNode]) -> BlockNode? {
    nodes["libvirt-\(index)-format"] ?? nodes["libvirt-\(index)-storage"]
  }

  /// Whether a path leads to the device of that alias, or to one that it made for itself.
  private static func isDevice(_ path: String, alias: String) -> Bool {
    path.split(separator: "/").contains { $0 == alias }
  }
}
