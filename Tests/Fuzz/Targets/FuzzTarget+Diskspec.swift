// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Backup
import BackupCore
import BackupCommands
import Vsh

extension FuzzTarget {
  /// The value of `--diskspec`.
  static let diskspec = FuzzTarget(name: "diskspec") { bytes in
    let specification = text(bytes)
    let parts = Quoting.commaParts(specification)
    let joined = parts.map(doubled).joined(separator: ",")
    try expect(
      joined.utf8.elementsEqual(specification.utf8), "the parts are all: \(specification)")
    if let disk = try? DiskRequest(diskspec: specification) {
      try expect(disk.name == parts.first, "the disk comes first: \(specification)")
      try expect(!disk.isFull || disk.parent == nil, "a full has no parent: \(specification)")
    }
    let pools = "/pools"
    guard
      let disk = try? RestoreOptions.DiskRequest(diskspec: specification, directory: { _ in pools })
    else { return }
    try expect(disk.name == parts.first, "the disk comes first: \(specification)")
    if parts.contains(where: { $0.utf8.starts(with: "pool=".utf8) }), let file = disk.file {
      try expect(
        file.utf8.dropFirst(pools.utf8.count).lastIndex(of: UInt8(ascii: "/"))
          == file.utf8.dropFirst(pools.utf8.count).startIndex, "nothing leaves a pool: \(file)")
    }
  }

  /// A text with each comma twice, whatever accents follow it.
  private static func doubled(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar == "," { result += "," }
      result.unicodeScalars.append(scalar)
    }
  }
}
