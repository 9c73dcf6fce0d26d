// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Reads the documents of a pool, at which a client looks again before many of its steps: a text that has
/// not changed is not parsed again.
package final class DocumentReader {
  private var manifests: [String: (text: String, manifest: Manifest)] = [:]
  private var partials: [String: (text: String, partial: Partial)] = [:]

  /// Makes a reader that knows no document.
  package init() {}

  /// Reads a manifest.
  ///
  /// - Parameters:
  ///   - volume: The volume that it is in.
  ///   - repository: The pool's volumes.
  /// - Returns: What it says now.
  /// - Throws: `DomainXMLError` for one that is not whole or not ours; what the repository throws.
  package func manifest(in volume: String, of repository: any Repository) throws -> Manifest {
    try manifest(saying: try Catalog.text(of: volume, in: repository), in: volume)
  }

  /// Reads the text of a manifest.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - volume: The volume that it is in.
  /// - Returns: What it says.
  /// - Throws: `DomainXMLError` for one that is not whole or not ours.
  package func manifest(saying text: String, in volume: String) throws -> Manifest {
    if let known = manifests[volume], known.text == text { return known.manifest }
    let manifest = try Manifest(parsing: text)
    manifests[volume] = (text, manifest)
    return manifest
  }

  /// Reads a partial.
  ///
  /// - Parameters:
  ///   - volume: The volume that it is in.
  ///   - repository: The pool's volumes.
  /// - Returns: What it says now.
  /// - Throws: As ``manifest(in:of:)``.
  package func partial(in volume: String, of repository: any Repository) throws -> Partial {
    try partial(saying: try Catalog.text(of: volume, in: repository), in: volume)
  }

  /// Reads the text of a partial.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - volume: The volume that it is in.
  /// - Returns: What it says.
  /// - Throws: As ``manifest(saying:in:)``.
  package func partial(saying text: String, in volume: String) throws -> Partial {
    if let known = partials[volume], known.text == text { return known.partial }
    let partial = try Partial(parsing: text)
    partials[volume] = (text, partial)
    return partial
  }
}
