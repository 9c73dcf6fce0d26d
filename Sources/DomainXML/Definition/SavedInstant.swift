// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// A snapshot or checkpoint of a domain, as libvirt describes it.
package struct SavedInstant: Sendable, Equatable {
  /// What it is.
  package enum Kind: String, Sendable {
    /// Of `virDomainSnapshotGetXMLDesc`.
    case snapshot
    /// Of `virDomainCheckpointGetXMLDesc`.
    case checkpoint
  }

  /// What it is.
  package var kind: Kind
  /// Its name.
  package var name: String
  /// Target names of the disks it is of; nil where it does not say.
  package var disks: Set<String>?

  /// Reads a snapshot or checkpoint.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it is neither.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    guard root.name.hasPrefix("domain"), let kind = Kind(rawValue: String(root.name.dropFirst(6)))
    else { throw .invalid("<\(root.name)> is neither a snapshot nor a checkpoint") }
    guard let name = root.text(of: "name") else { throw .invalid("the \(kind) has no name") }
    self.kind = kind
    self.name = name
    disks = root.element("disks").map { disks in
      Set(
        disks.elements("disk").compactMap { disk in
          disk[kind.rawValue] == "no" ? nil : disk["name"]
        })
    }
  }

  /// Whether it is of a disk.
  package func has(_ disk: String) -> Bool { disks?.contains(disk) ?? true }
}
