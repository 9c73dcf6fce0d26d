// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Where an NBD server listens (QAPI `SocketAddress`).
package enum NBDAddress: Sendable, Equatable {
  /// A unix socket, by absolute path.
  case unix(path: String)
  /// An address of the host, and a port of it.
  case inet(host: String, port: UInt16)

  var json: JSONValue {
    switch self {
    case .unix(let path): ["type": "unix", "data": ["path": .string(path)]]
    case .inet(let host, let port):
      ["type": "inet", "data": ["host": .string(host), "port": .string(String(port))]]
    }
  }
}

/// An export of a node over NBD (QAPI `BlockExportOptions`), for reading only.
package struct NBDExport: Sendable, Equatable {
  /// Its id.
  package var id: String
  /// The node.
  package var node: String
  /// The name clients ask for.
  package var name: String
  /// A bitmap of the node that clients see as `qemu:dirty-bitmap:NAME`; nil for none.
  package var bitmap: String?

  /// Makes the description of an export.
  package init(id: String, node: String, name: String, bitmap: String?) {
    self.id = id
    self.node = node
    self.name = name
    self.bitmap = bitmap
  }
}

extension Command {
  /// Starts the NBD server, of which a QEMU has one.
  ///
  /// The corresponding QMP command is `nbd-server-start`.
  ///
  /// - Parameters:
  ///   - address: Where it listens.
  ///   - tlsCredentials: Id of the credentials that clients must match; nil for no TLS.
  /// - Returns: The command.
  package static func nbdServerStart(_ address: NBDAddress, tlsCredentials: String?) -> Command {
    var arguments: [String: JSONValue] = ["addr": address.json]
    if let tlsCredentials { arguments["tls-creds"] = .string(tlsCredentials) }
    return Command("nbd-server-start", arguments)
  }

  /// Stops the NBD server and all its connections.
  ///
  /// The corresponding QMP command is `nbd-server-stop`.
  package static var nbdServerStop: Command { Command("nbd-server-stop") }

  /// Lets clients of the NBD server read a node.
  ///
  /// The corresponding QMP command is `block-export-add`.
  package static func blockExportAdd(_ export: NBDExport) -> Command {
    var arguments: [String: JSONValue] = [
      "type": "nbd", "id": .string(export.id), "node-name": .string(export.node),
      "name": .string(export.name), "writable": false,
    ]
    if let bitmap = export.bitmap {
      arguments["bitmaps"] = [["node": .string(export.node), "name": .string(bitmap)]]
    }
    return Command("block-export-add", arguments)
  }

  /// Ends an export and the connections of its clients; it is gone some time later.
  ///
  /// The corresponding QMP command is `block-export-del`.
  package static func blockExportDel(_ id: String) -> Command {
    Command("block-export-del", ["id": .string(id), "mode": "hard"])
  }

  /// Makes a server's TLS credentials of the certificates in a directory; clients must show a
  /// certificate of the same authority.
  ///
  /// The corresponding QMP command is `object-add`, type `tls-creds-x509`.
  package static func addTLSCredentials(_ id: String, directory: String) -> Command {
    Command(
      "object-add",
      [
        "qom-type": "tls-creds-x509", "id": .string(id), "dir": .string(directory),
        "endpoint": "server", "verify-peer": true,
      ])
  }
}

/// An export (`BlockExportInfo`).
package struct BlockExportInfo: Decodable, Sendable, Equatable {
  /// Its id.
  package var id: String
  /// `nbd`, `vhost-user-blk`, `fuse`, `vduse-blk`.
  package var type: String
  /// The node that is exported.
  package var nodeName: String
  /// True once it was told to end.
  package var isShuttingDown: Bool

  private enum CodingKeys: String, CodingKey {
    case id, type
    case nodeName = "node-name"
    case isShuttingDown = "shutting-down"
  }
}

/// A character device (`ChardevInfo`).
package struct ChardevInfo: Decodable, Sendable, Equatable {
  /// Its label; libvirt's monitor is `charmonitor`.
  package var label: String
  /// What it is connected to: `unix:/path/monitor.sock,server=on`.
  package var filename: String

  /// The path of the unix socket it is connected to; nil for anything else.
  package var socketPath: String? {
    guard filename.hasPrefix("unix:") else { return nil }
    let path = filename.dropFirst("unix:".count).prefix { $0 != "," }
    return path.hasPrefix("/") ? String(path) : nil
  }
}

extension Monitor {
  /// Lists all exports.
  ///
  /// The corresponding QMP command is `query-block-exports`.
  package func exports() throws -> [BlockExportInfo] {
    try execute(Command("query-block-exports"), returning: [BlockExportInfo].self)
  }

  /// Lists all character devices.
  ///
  /// The corresponding QMP command is `query-chardev`.
  package func characterDevices() throws -> [ChardevInfo] {
    try execute(Command("query-chardev"), returning: [ChardevInfo].self)
  }

  /// Ids of the objects that `object-add` made.
  ///
  /// The corresponding QMP command is `qom-list`, path `/objects`.
  package func objects() throws -> [String] {
    try properties(of: "/objects").map(\.name)
  }
}
