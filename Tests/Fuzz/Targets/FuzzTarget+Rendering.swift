// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Vsh

extension FuzzTarget {
  /// Tables, which show names that somebody else chose.
  static let rendering = FuzzTarget(name: "rendering") { bytes in
    try expect(String(rawBytes: bytes).rawBytes == bytes, "bytes come back: \(bytes)")
    let cells = words(bytes)
    var table = Table("Name", "Other")
    for cell in cells {
      table.append(cell, "x")
    }
    for isASCII in [false, true] {
      let lines = table.text(isASCII: isASCII).split(separator: "\n" as Unicode.Scalar)
      try expect(lines.count == cells.count + 2, "a line for each row: \(cells)")
      for scalar in lines.joined() {
        try expect(
          scalar.properties.generalCategory != .control && (scalar.isASCII || !isASCII),
          "nothing moves the cursor: \(cells)")
      }
    }
    let xml = cells.map(Quoting.xml).joined()
    try expect(!xml.utf8.contains(UInt8(ascii: "<")), "nothing is a tag: \(cells)")
  }
}

extension String {
  fileprivate func split(separator: Unicode.Scalar) -> [Substring.UnicodeScalarView] {
    unicodeScalars.split(separator: separator)
  }
}
