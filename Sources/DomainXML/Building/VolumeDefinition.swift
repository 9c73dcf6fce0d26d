// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The definition of a volume to be made (`virStorageVolCreateXML`).
package struct VolumeDefinition: Sendable, Equatable {
  /// The volume beneath.
  package struct Backing: Sendable, Equatable {
    /// Its name, which is written as a relative link to the same pool; elsewhere its absolute path.
    package var name: String
    /// Its format.
    package var format: String

    /// Makes the description of a backing file.
    package init(name: String, format: String) {
      self.name = name
      self.format = format
    }

    /// Whether there can be such a file.
    var isPossible: Bool { Syntax.isVolumeName(name) || Syntax.isAbsolutePath(name) }
  }

  /// The name, which must not lead out of the pool.
  package var name: String
  /// Size of the disk, in bytes.
  package var capacity: UInt64
  /// `qcow2` or `raw`.
  package var format: String
  /// The volume beneath; nil for a volume that stands alone.
  package var backing: Backing?
  /// `compat` of qcow2; libvirt's own default is 0.10, which loses zeroes.
  package var compat: String
  /// Whom the file belongs to; nil for the pool's default.
  package var owner: FileOwner?
  /// Permissions of the file.
  package var mode: UInt32
  /// Its security label.
  package var label: String?

  /// Makes the description of a volume.
  package init(
    name: String, capacity: UInt64, format: String, backing: Backing? = nil, compat: String = "1.1",
    owner: FileOwner? = nil, mode: UInt32 = 0o600, label: String? = nil
  ) {
    self.name = name
    self.capacity = capacity
    self.format = format
    self.backing = backing
    self.compat = compat
    self.owner = owner
    self.mode = mode
    self.label = label
  }

  /// Writes the definition as a document.
  ///
  /// - Returns: the document, for `virStorageVolCreateXML`.
  /// - Throws: `DomainXMLError` where a name or format is impossible.
  package func xml() throws(DomainXMLError) -> String {
    guard Syntax.isVolumeName(name), backing?.isPossible ?? true else {
      throw .invalid("'\(name)' or its backing file has an impossible name")
    }
    guard Syntax.isWord(format), backing.map({ Syntax.isWord($0.format) }) ?? true else {
      throw .invalid("volume '\(name)' or its backing file has an impossible format")
    }
    guard backing == nil || format == "qcow2" else {
      throw .invalid("volume '\(name)' of format '\(format)' cannot have a backing file")
    }
    guard capacity <= UInt64(Int64.max), mode <= 0o7777 else {
      throw .invalid("volume '\(name)' has a size or mode out of range")
    }
    var permissions = [XMLElement("mode", text: "0" + String(mode, radix: 8))]
    if let owner {
      permissions.append(XMLElement("owner", text: String(owner.owner)))
      permissions.append(XMLElement("group", text: String(owner.group)))
    }
    if let label { permissions.append(XMLElement("label", text: label)) }
    var target = [
      XMLElement("format", ["type": format]), XMLElement("permissions", [:], permissions),
    ]
    if format == "qcow2" { target.append(XMLElement("compat", text: compat)) }
    var elements = [
      XMLElement("name", text: name),
      XMLElement("capacity", text: String(capacity), ["unit": "bytes"]),
      // Without it libvirt allocates a raw volume in full.
      XMLElement("allocation", text: "0", ["unit": "bytes"]),
      XMLElement("target", [:], target),
    ]
    if let backing {
      elements.append(
        XMLElement(
          "backingStore", [:],
          [XMLElement("path", text: backing.name), XMLElement("format", ["type": backing.format])]))
    }
    return try XMLElement("volume", [:], elements).document()
  }
}
