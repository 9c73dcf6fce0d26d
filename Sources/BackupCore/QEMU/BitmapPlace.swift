// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A bitmap on a node.
package struct BitmapPlace: Sendable, Equatable {
  /// The node.
  package var node: String
  /// The bitmap's name.
  package var name: String

  /// Names a bitmap.
  package init(
    node: String, name: String
  ) {
    self.node = node
    self.name = name
  }
}
