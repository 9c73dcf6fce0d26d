// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Cuts the paths of files.
package enum Paths {
  /// Directory and name of an absolute path.
  package static func split(_ path: String) -> (directory: String, name: String) {
    // Among the bytes, as the system does: as a character a slash may have an accent.
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("/", path) }
    let directory = slash == path.startIndex ? "/" : String(path[..<slash])
    return (directory, String(path[path.utf8.index(after: slash)...]))
  }
}
