// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore

extension FuzzTarget {
  /// The heads and tables of images that somebody put into the pool.
  static let qcow2 = FuzzTarget(name: "qcow2") { bytes in
    _ = try? Qcow2Tables(length: UInt64(bytes.count), readsAll: true) { offset, length in
      Array(bytes.dropFirst(Int(clamping: offset)).prefix(Int(clamping: length)))
    }
    // The code takes the first cluster, which the fuzzer need not fill.
    guard let header = try? Qcow2Header(parsing: bytes) else { return }
    try expect(
      (header.backingFile?.utf8.count ?? 0) <= 3 * bytes.count, "the name is in the image")
    try expect(
      try Qcow2Header(parsing: bytes + [0, 0]) == header, "what follows the head does not count")
  }
}
