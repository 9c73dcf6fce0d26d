// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

extension FuzzTarget {
  /// Manifests and partials.
  static let manifest = FuzzTarget(name: "manifest") { bytes in
    let document = text(bytes)
    if let manifest = try? Manifest(parsing: document) {
      let written = try manifest.xml()
      let again = try Manifest(parsing: written)
      try expect(again == manifest, "a manifest is read back: \(document)")
      try expect(try again.xml() == written, "writing is stable: \(document)")
      try expect(
        manifest.disks.allSatisfy { !$0.volume.name.utf8.contains(UInt8(ascii: "/")) },
        "no volume is outside of the pool: \(document)")
    }
    if let partial = try? Partial(parsing: document) {
      let written = try partial.xml()
      let again = try Partial(parsing: written)
      try expect(again == partial, "a partial is read back: \(document)")
      try expect(try again.xml() == written, "writing is stable: \(document)")
      try expect(
        (try? Manifest(parsing: document)) == nil, "a partial is no manifest: \(document)")
    }
  }
}
