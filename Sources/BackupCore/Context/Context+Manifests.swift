// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

extension Context {
  /// The manifest in a volume, if it is whole and of that point (nil: of any).
  package func publishedManifest(_ uuid: String?, in volume: String) -> Manifest? {
    guard let manifest = try? documents.manifest(in: volume, of: repository),
      uuid == nil || manifest.uuid == uuid
    else { return nil }
    return manifest
  }

  package func waitForManifest(_ uuid: String, in volume: String) -> Manifest? {
    for _ in 0..<20 {
      if let manifest = publishedManifest(uuid, in: volume) { return manifest }
      pause(milliseconds: 50)
    }
    return nil
  }

  /// Tells that a volume is the whole manifest of a point.
  ///
  /// - Throws: When that cannot be found out, which is not the same as no.
  package func isPublished(_ uuid: String, in volume: String) throws -> Bool {
    guard try repository.contains(volume) else { return false }
    let text = try Catalog.text(of: volume, in: repository)
    let manifest = try? documents.manifest(saying: text, in: volume)
    return manifest?.uuid == uuid
  }
}
