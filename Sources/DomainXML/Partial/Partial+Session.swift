// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Where an NBD session is served.
package struct NBDServer: Sendable, Equatable {
  /// How clients reach it.
  package enum Transport: Sendable, Equatable {
    /// A unix socket, by absolute path. Without one it is in the run-time directory of the domain
    /// that serves, which its QEMU tells.
    case unix(path: String?)
    /// An address of the host. Without a port the exports' ids tell which free one was taken.
    case tcp(host: String, port: UInt16?)
  }

  /// How clients reach it.
  package var transport: Transport
  /// Whether clients must show a certificate.
  package var isTLS: Bool

  /// Makes the description of a server.
  package init(transport: Transport, isTLS: Bool) {
    self.transport = transport
    self.isTLS = isTLS
  }
}

extension Partial {
  /// What an NBD session has of one disk.
  package struct SessionDisk: Sendable, Equatable {
    /// What it has in QEMU; no scratch volume where the disk stands still.
    package var disk: CreateDisk
    /// Name of its export.
    package var export: String
    /// Name of the bitmap that clients see, where there is one: its QEMU tells.
    package var exportBitmap: String

    /// Makes the description of a disk's part in a session.
    package init(disk: CreateDisk, export: String, exportBitmap: String) {
      self.disk = disk
      self.export = export
      self.exportBitmap = exportBitmap
    }
  }

  /// An NBD session.
  package struct Session: Sendable, Equatable {
    /// The disks, in the domain's order.
    package var disks: [SessionDisk]
    /// Where it is served.
    package var server: NBDServer
    /// Name of the session or point that what changed is counted from; nil for none.
    package var parent: String?
    /// UUID of the point that is served instead of the domain; nil for the domain.
    package var stored: String?
    /// Whether the domain is suspended around the start, by us.
    package var isSuspended: Bool
    /// Whether its file systems are frozen around the start, by us.
    package var isFrozen: Bool

    /// Makes the description of a session.
    package init(
      disks: [SessionDisk], server: NBDServer, parent: String? = nil, stored: String? = nil,
      isSuspended: Bool = false, isFrozen: Bool = false
    ) {
      self.disks = disks
      self.server = server
      self.parent = parent
      self.stored = stored
      self.isSuspended = isSuspended
      self.isFrozen = isFrozen
    }
  }

  /// The NBD session; nil for another operation.
  package var session: Session? {
    if case .session(let session) = operation { return session }
    return nil
  }
}

extension Partial.Session {
  /// Reads the `<session>` of a partial.
  init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    var disks: [Partial.SessionDisk] = []
    for element in reader.all("disk") {
      var disk = try ElementReader(element)
      disks.append(
        Partial.SessionDisk(
          disk: .init(
            name: try disk.required(attribute: "name"),
            scratchVolume: disk.attribute("scratchVolume"),
            scratchDirectory: disk.attribute("scratchDirectory"),
            node: try disk.required(attribute: "node"),
            device: try disk.required(attribute: "device")),
          export: try disk.required(attribute: "export"),
          exportBitmap: try disk.required(attribute: "exportBitmap")))
      try disk.finish()
    }
    self.init(
      disks: disks, server: try NBDServer(reader.required("server")),
      parent: reader.attribute("parent"), stored: reader.attribute("stored")?.lowercased(),
      isSuspended: try reader.flag("suspended"), isFrozen: try reader.flag("frozen"))
    try reader.finish()
  }

  /// The `<session>` of a partial.
  var xmlElement: XMLElement {
    XMLElement(
      "session",
      [
        "parent": parent, "stored": stored, "suspended": isSuspended ? "yes" : "no",
        "frozen": isFrozen ? "yes" : "no",
      ],
      [server.xmlElement]
        + disks.map { disk in
          XMLElement(
            "disk",
            [
              "name": disk.disk.name, "scratchVolume": disk.disk.scratchVolume,
              "scratchDirectory": disk.disk.scratchDirectory, "node": disk.disk.node,
              "device": disk.disk.device, "export": disk.export,
              "exportBitmap": disk.exportBitmap,
            ])
        })
  }

  /// Checks a session that was read, but for what all operations on disks share.
  func validate() throws(DomainXMLError) {
    guard !disks.isEmpty else { throw .invalid("the session has no disks") }
    guard stored.map(Syntax.isUUID) ?? true else { throw .invalid("'stored' is not a UUID") }
    guard parent.map(Syntax.isBackupName) ?? true else {
      throw .invalid("the session's parent has an impossible name")
    }
    var exports: Set<String> = []
    for disk in disks {
      for name in [disk.export, disk.exportBitmap]
      where !Syntax.isPlainText(name, atMost: 1023) {
        throw .invalid("disk '\(disk.disk.name)' has an export or a bitmap of an impossible name")
      }
      guard exports.insert(disk.export).inserted else {
        throw .invalid("the session names export '\(disk.export)' twice")
      }
    }
    switch server.transport {
    case .unix(let path):
      guard path.map(Syntax.isAbsolutePath) ?? true else {
        throw .invalid("the socket's path is impossible")
      }
    case .tcp(let host, _):
      guard Syntax.isPlainText(host, atMost: 255) else { throw .invalid("the server has no name") }
    }
  }
}

extension NBDServer {
  /// Reads the `<server>` of a partial.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    let transport = try reader.required(attribute: "transport")
    switch transport {
    case "unix": self.transport = .unix(path: reader.attribute("socket"))
    case "tcp":
      let port = reader.attribute("port")
      guard port.map({ UInt16($0) != nil }) ?? true else { throw .invalid("'port' is not a port") }
      self.transport = .tcp(
        host: try reader.required(attribute: "name"), port: port.flatMap { UInt16($0) })
    default: throw .invalid("unknown transport '\(transport)'")
    }
    isTLS = try reader.flag("tls")
    try reader.finish()
  }

  fileprivate var xmlElement: XMLElement {
    let tls = isTLS ? "yes" : "no"
    return switch transport {
    case .unix(let path):
      XMLElement("server", ["transport": "unix", "tls": tls, "socket": path])
    case .tcp(let host, let port):
      XMLElement(
        "server", ["transport": "tcp", "tls": tls, "name": host, "port": port.map { String($0) }])
    }
  }
}
