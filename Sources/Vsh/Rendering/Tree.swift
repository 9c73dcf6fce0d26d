// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A forest, as virsh prints the relations of snapshots and checkpoints.
package struct Tree: Sendable {
  /// A thing in the forest.
  package struct Node: Sendable, Equatable {
    /// What is printed for it.
    package var name: String
    /// The index of its parent; nil for a root.
    package var parent: Int?

    /// Makes a node.
    package init(name: String, parent: Int?) {
      self.name = name
      self.parent = parent
    }
  }

  /// The nodes; those of one parent are printed in this order.
  package var nodes: [Node]

  /// Makes a forest.
  package init(nodes: [Node]) {
    self.nodes = nodes
  }

  /// The forest as text, a newline after each line.
  package var text: String {
    var children: [Int: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      if let parent = node.parent {
        children[parent, default: []].append(index)
      }
    }
    var text = ""
    for (index, node) in nodes.enumerated() where node.parent == nil {
      text += "\(node.name)\n"
      append(children[index] ?? [], children, indent: "  ", to: &text)
      if children[index] == nil {
        text += "\n"
      }
    }
    return text
  }

  private func append(
    _ group: [Int], _ children: [Int: [Int]], indent: String, to text: inout String
  ) {
    if !group.isEmpty {
      text += "\(indent)|\n"
    }
    for index in group {
      let isLast = index == group.last
      text += "\(indent)+- \(nodes[index].name)\n"
      append(
        children[index] ?? [], children, indent: indent + (isLast ? "    " : "|   "), to: &text)
      if isLast, children[index] == nil {
        text += "\(indent)  \n"
      }
    }
  }
}
