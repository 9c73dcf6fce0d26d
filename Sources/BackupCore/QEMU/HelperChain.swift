// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// An image over a file of a helper domain.
///
/// The name of its node tells all of it, so that any client finds it again. It has no part of the
/// operation's: what is made for that is found by its names.
package struct HelperLayer: Equatable {
  /// The place of the disk among those of the helper.
  package var number: Int
  /// The image's place in the disk's chain, 0 for the active layer.
  package var place: Int
  /// libvirt's number of the file.
  package var index: Int

  /// Name of its node.
  package var node: String { "chain-\(number)-\(place)-\(index)" }
  /// Name of the node of its file.
  package var file: String { "libvirt-\(index)-storage" }

  /// Makes the description of an image.
  package init(number: Int, place: Int, index: Int) {
    self.number = number
    self.place = place
    self.index = index
  }

  /// Reads the name of a node; nil for one that is no such image.
  package init?(node: String) {
    let parts = node.split(separator: "-", omittingEmptySubsequences: false)
    let numbers = parts.dropFirst().compactMap { Int($0) }
    guard parts.first == "chain", parts.count == 4, numbers.count == 3 else { return nil }
    self.init(number: numbers[0], place: numbers[1], index: numbers[2])
  }
}

/// What a helper domain's QEMU has of a chain.
package struct HelperChain: Equatable {
  /// The place of the disk among those of the helper.
  package var number: Int
  /// The sources of the images, the active layer first.
  package var sources: [DomainDefinition.Source]
  /// The images' nodes, in the same order.
  package var nodes: [String]
  /// The node of the active layer's file.
  package var file: String

  /// Finds the chains of a helper, in the order of its disks.
  ///
  /// - Parameters:
  ///   - definition: The helper's live definition.
  ///   - nodes: All nodes of its QEMU.
  /// - Returns: The chains; none of a disk that libvirt opened whole.
  package static func all(in definition: DomainDefinition, nodes: [BlockNode]) -> [HelperChain] {
    let layers = Dictionary(
      grouping: nodes.compactMap { HelperLayer(node: $0.nodeName) }, by: \.number)
    let files = Dictionary(
      definition.disks.compactMap { disk in disk.chain.first?.index.map { ($0, disk.source) } },
      uniquingKeysWith: { first, _ in first })
    return layers.sorted { $0.key < $1.key }.compactMap { number, layers in
      let layers = layers.sorted { $0.place < $1.place }
      let sources = layers.compactMap { files[$0.index] }
      guard let first = layers.first, sources.count == layers.count else { return nil }
      return HelperChain(
        number: number, sources: sources, nodes: layers.map(\.node), file: first.file)
    }
  }
}
