// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Libvirt

/// A host of libvirt's test driver, with state of its own: a running domain `web1`, a running
/// domain `web2`, and an empty pool `backups`.
enum TestNode {
  /// UUID of the domain `web1`.
  static let domainUUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
  /// UUID of the pool.
  static let poolUUID = "35bb2ad9-388a-cdfe-461a-b8907f6e53fe"

  /// Writes a domain document.
  ///
  /// - Parameters:
  ///   - name: The domain's name.
  ///   - uuid: Its UUID.
  /// - Returns: The document.
  static func domainXML(
    name: String, uuid: String = "4dea22b3-1d52-d8f3-2516-782e98ab3fa7"
  ) -> String {
    """
    <domain type='test'>
      <name>\(name)</name>
      <uuid>\(uuid)</uuid>
      <memory unit='MiB'>8</memory>
      <os><type>hvm</type></os>
      <devices><graphics type='vnc' passwd='sesame'/></devices>
    </domain>
    """
  }

  /// Opens a connection to a new host.
  ///
  /// - Parameters:
  ///   - readOnly: Whether for reading only.
  ///   - body: Gets the connection.
  /// - Returns: What the body returned.
  /// - Throws: What the body threw.
  static func with<Value>(
    readOnly: Bool = false, _ body: (Connection) throws -> Value
  ) throws -> Value {
    try withTemporaryDirectory { directory in
      try body(try Connection.open(uri: try make(in: directory), readOnly: readOnly))
    }
  }

  /// Writes the description of a host.
  ///
  /// - Parameter directory: Where to.
  /// - Returns: Its URI.
  /// - Throws: What went wrong.
  static func make(in directory: String) throws -> String {
    try write(
      """
      <node>
        \(domainXML(name: "web1", uuid: domainUUID))
        \(domainXML(name: "web2", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa1"))
        <pool type='dir'>
          <name>backups</name>
          <uuid>\(poolUUID)</uuid>
          <target><path>\(directory)/backups</path></target>
        </pool>
      </node>
      """, to: "\(directory)/node.xml")
    return "test://\(directory)/node.xml"
  }

  /// Writes a volume document.
  ///
  /// - Parameters:
  ///   - name: The volume's name.
  ///   - capacity: Its size in bytes.
  /// - Returns: The document.
  static func volumeXML(name: String, capacity: Int = 1 << 20) -> String {
    "<volume><name>\(name)</name><capacity>\(capacity)</capacity></volume>"
  }
}
