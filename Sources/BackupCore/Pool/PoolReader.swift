// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Reads a pool, and keeps what it has read: a manifest is read once.
package final class PoolReader {
  /// The pool.
  package let repository: any Repository
  /// Reads its documents.
  let documents = DocumentReader()
  private let pause: @Sendable (_ milliseconds: UInt32) -> Void
  private var hasRefreshed = false
  private var knownManifests: [String: Manifest] = [:]
  /// The pool as it was read last; nil where it was not yet.
  package private(set) var last: Catalog?

  /// Makes the reader of a pool.
  ///
  /// - Parameters:
  ///   - repository: The pool.
  ///   - pause: Stands still for so many milliseconds while another client writes.
  package init(
    _ repository: any Repository, pause: @escaping @Sendable (_ milliseconds: UInt32) -> Void
  ) {
    self.repository = repository
    self.pause = pause
  }

  /// Reads the pool.
  ///
  /// Where it cannot be read past libvirt, the pool looks what others put into it, the first time and
  /// whenever asked; what goes through the same libvirt it knows anyway.
  ///
  /// - Parameter refresh: Whether it is to look.
  /// - Returns: What is in it.
  /// - Throws: What libvirt throws.
  package func catalog(refresh: Bool = false) throws -> Catalog {
    let catalog = try Catalog(
      of: repository, refresh: (refresh || !hasRefreshed) && !repository.isReadDirectly,
      known: knownManifests, documents: documents)
    hasRefreshed = true
    last = catalog
    knownManifests = Dictionary(
      catalog.points.map { ($0.manifestVolume, $0.manifest) }, uniquingKeysWith: { $1 })
    return catalog
  }

  /// Reads a manifest again the next time: it was rewritten.
  package func forgetManifest(in volume: String) { knownManifests[volume] = nil }

  /// Reads manifests again the next time: others may have rewritten them.
  package func forgetManifests(where isForgotten: (Manifest) -> Bool) {
    knownManifests = knownManifests.filter { !isForgotten($0.value) }
  }

  /// The manifest in a volume, if it is whole and of that point (nil: of any).
  package func publishedManifest(_ uuid: String?, in volume: String) -> Manifest? {
    guard let manifest = try? documents.manifest(in: volume, of: repository),
      uuid == nil || manifest.uuid == uuid
    else { return nil }
    return manifest
  }

  /// The same of a manifest that another client may be writing: it is waited for a second.
  package func waitForManifest(_ uuid: String, in volume: String) -> Manifest? {
    for _ in 0..<20 {
      if let manifest = publishedManifest(uuid, in: volume) { return manifest }
      pause(50)
    }
    return nil
  }

  /// Tells that a volume is the whole manifest of a point.
  ///
  /// - Throws: When that cannot be found out, which is not the same as no.
  package func isPublished(_ uuid: String, in volume: String) throws -> Bool {
    guard let text = try Catalog.textIfThere(volume, in: repository) else { return false }
    let manifest = try? documents.manifest(saying: text, in: volume)
    return manifest?.uuid == uuid
  }
}
