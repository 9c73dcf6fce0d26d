// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BackupDefinition {
  /// What a document is called in an error that shows where it ceases to be XML.
  private static let documentName = "(domain_backup)"

  /// The largest document that is read, in bytes.
  package static var sizeLimit: Int { XMLElement.sizeLimit }

  /// Reads a document from a file's bytes.
  ///
  /// - Parameter bytes: the file's content, in UTF-8.
  /// - Throws: what ``init(parsing:)-(String)`` throws, and `DomainXMLError` for other bytes.
  package init(parsing bytes: [UInt8]) throws(DomainXMLError) {
    guard bytes.count <= Self.sizeLimit else { throw XMLElement.tooLarge }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw DomainXMLError(reason: .syntax, message: "the document is not in UTF-8")
    }
    try self.init(parsing: text)
  }

  /// Reads a document.
  ///
  /// It accepts what libvirt's schema accepts and, beyond that, a push mode disk without `type`,
  /// `backup='yes'` with nothing else, and a TCP server without a port.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` that says what is wrong, and in which line.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text, named: Self.documentName)
    guard root.name == "domainbackup" else {
      throw .invalid("expecting root element of 'domainbackup', not '\(root.name)'")
    }
    guard root.namespace == nil else {
      throw .invalid("<domainbackup> must not have a namespace", line: root.place.line)
    }
    var reader = try ElementReader(root)
    mode = try reader.choice("mode", of: ["push", "pull"]).flatMap(Mode.init) ?? .push
    incremental = try reader.text("incremental").flatMap { $0.isEmpty ? nil : $0 }
    if let element = try reader.element("server") {
      guard mode == .pull else {
        throw .invalid("use of <server> requires pull mode backup", line: element.place.line)
      }
      server = try Server(element)
    } else if mode == .pull {
      throw reader.invalid("a pull mode backup needs a <server>")
    }
    if let element = try reader.element("disks") { disks = try Self.disks(element, mode) }
    try reader.finish()
  }

  private static func disks(
    _ element: XMLElement, _ mode: Mode
  ) throws(DomainXMLError) -> [Disk] {
    var reader = try ElementReader(element)
    var disks: [Disk] = []
    for element in reader.all("disk") { disks.append(try Disk(element, mode)) }
    try reader.finish()
    guard !disks.isEmpty else { throw reader.invalid("<disks> has no <disk>") }
    return disks
  }
}

extension BackupDefinition.Server {
  /// Reads a `<server>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    usesTLS = try reader.choice("tls", of: ["yes", "no"]).map { $0 == "yes" }
    guard element["transport"] != "fd" else {
      throw reader.invalid("transport 'fd' of <server> is not supported: use 'tcp' or 'unix'")
    }
    switch try reader.choice("transport", of: ["tcp", "unix"]) {
    case "unix":
      let socket = try reader.required(attribute: "socket")
      guard Syntax.isSchemaPath(socket) else {
        throw reader.invalid("backup socket path '\(socket)' must be absolute")
      }
      transport = .unix(socket: socket)
    default:
      guard let name = reader.attribute("name") else {
        throw reader.invalid("missing name for host")
      }
      guard Syntax.isHostName(name) || Syntax.isIPv6Address(name) else {
        throw reader.invalid("'\(name)' of <server> is neither a host name nor an address")
      }
      transport = .tcp(name: name, port: try Self.port(reader.attribute("port"), reader))
    }
    try reader.finish()
  }

  /// Reads a port; 0 is no port, as to libvirt.
  private static func port(
    _ text: String?, _ reader: ElementReader
  ) throws(DomainXMLError) -> UInt16? {
    guard let text else { return nil }
    guard let number = Syntax.number(text).flatMap({ UInt32(exactly: $0) }) else {
      throw reader.invalid("port '\(text)' of <server> is not a number")
    }
    guard let port = UInt16(exactly: number) else {
      throw DomainXMLError(
        reason: .unsuitable, message: "invalid argument: port '\(text)' out of range")
    }
    return port == 0 ? nil : port
  }
}
