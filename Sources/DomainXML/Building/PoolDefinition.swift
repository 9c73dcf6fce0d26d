// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What we need to know of a storage pool's definition (`virStoragePoolGetXMLDesc`).
package struct PoolDefinition: Sendable, Equatable {
  /// `<name>`.
  package var name: String
  /// `<uuid>`, lower case.
  package var uuid: String?
  /// `type` of the root: `dir`, `logical`, ...
  package var type: String
  /// `<target><path>`.
  package var path: String?
  /// Permissions of the target.
  package var mode: UInt32?
  /// Whom the target belongs to.
  package var owner: FileOwner?

  /// Makes the description of a pool that is a directory, with the permissions it is made with.
  package init(name: String, directory: String, mode: UInt32? = nil) {
    self.name = name
    self.type = "dir"
    self.path = directory
    self.mode = mode
  }

  /// Reads a definition: a document whose root is `<pool>`.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it is not such a document.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    guard root.isNamed("pool"), let name = root.text(of: "name"), let type = root["type"] else {
      throw .invalid("<\(root.name)> is not a <pool> with name and type")
    }
    self.name = name
    self.type = type
    uuid = root.text(of: "uuid")?.lowercased()
    guard uuid.map(Syntax.isUUID) ?? true else { throw .invalid("the pool has no valid UUID") }
    let target = root.element("target")
    path = target?.text(of: "path")
    let permissions = target?.element("permissions")
    mode = permissions?.text(of: "mode").flatMap { UInt32($0, radix: 8) }
    if let owner = permissions?.text(of: "owner"), let group = permissions?.text(of: "group") {
      self.owner = FileOwner(label: owner + ":" + group)
    }
  }

  /// Writes the definition of a transient pool that is a directory.
  ///
  /// - Returns: the document, for `virStoragePoolCreateXML`.
  /// - Throws: `DomainXMLError` where it is another kind of pool, or name or path are impossible.
  package func xml() throws(DomainXMLError) -> String {
    guard type == "dir", let path, Syntax.isAbsolutePath(path) else {
      throw .invalid("pool '\(name)' is not an absolute directory")
    }
    guard Syntax.isPlainText(name, atMost: 255), !name.utf8.contains(UInt8(ascii: "/")) else {
      throw .invalid("'\(name)' cannot name a pool")
    }
    var target = [XMLElement("path", text: path)]
    if let mode {
      target.append(
        XMLElement("permissions", [:], [XMLElement("mode", text: "0" + String(mode, radix: 8))]))
    }
    return try XMLElement(
      "pool", ["type": type], [XMLElement("name", text: name), XMLElement("target", [:], target)]
    ).document()
  }
}
