// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What a volume of a pool stands on (`virStorageVolGetXMLDesc`).
package struct VolumeBacking: Sendable, Equatable {
  /// Path of the backing file; nil where there is none.
  package var path: String?

  /// Reads it out of a volume's definition.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it is none.
  package init(parsing text: String) throws(DomainXMLError) {
    path = try XMLElement(parsing: text).element("backingStore")?.text(of: "path")
  }
}
