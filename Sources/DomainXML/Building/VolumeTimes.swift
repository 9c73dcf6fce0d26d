// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// When a volume was written (`virStorageVolGetXMLDesc`, `<timestamps>`).
package struct VolumeTimes: Sendable, Equatable {
  /// Seconds since 1970-01-01T00:00:00Z by the clock of the volume's storage.
  package var modified: Int64

  /// Reads the times out of a volume's definition.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it says none.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    guard let mtime = root.element("target")?.element("timestamps")?.text(of: "mtime"),
      let seconds = mtime.split(separator: ".").first.flatMap({ Int64($0) })
    else { throw .invalid("the volume has no modification time") }
    modified = seconds
  }
}
