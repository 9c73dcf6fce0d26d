// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BlockdevOptions {
  /// An image in a file node with a node behind it that is there already.
  ///
  /// - Parameters:
  ///   - nodeName: Name of the node.
  ///   - file: The file node.
  ///   - backing: The node of its backing file; nil for none.
  ///   - readOnly: Whether it is opened for reading only.
  /// - Returns: The node.
  package static func layer(
    _ nodeName: String, file: String, backing: String?, readOnly: Bool
  ) -> BlockdevOptions {
    BlockdevOptions(members: [
      "driver": "qcow2", "node-name": .string(nodeName), "file": .string(file),
      "backing": backing.map(JSONValue.string) ?? .null, "read-only": .bool(readOnly),
      "discard": "unmap",
    ])
  }
}
