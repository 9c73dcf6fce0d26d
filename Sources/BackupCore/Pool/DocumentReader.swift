// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Reads the documents of a pool, at which a client looks again before many of its steps: a text that has
/// not changed is not parsed again.
package final class DocumentReader {
  private var manifests = Parsed(Manifest.init(parsing:))
  private var partials = Parsed(Partial.init(parsing:))

  /// Makes a reader that knows no document.
  package init() {}

  /// Reads a manifest.
  ///
  /// - Parameters:
  ///   - volume: The volume that has the manifest.
  ///   - repository: The pool's volumes.
  /// - Returns: The manifest as it is now.
  /// - Throws: `DomainXMLError` for one that is not whole or not ours; what the repository throws.
  package func manifest(in volume: String, of repository: any Repository) throws -> Manifest {
    try manifest(saying: try Catalog.text(of: volume, in: repository), in: volume)
  }

  /// Reads the text of a manifest.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - volume: The volume that has the manifest.
  /// - Returns: The manifest.
  /// - Throws: `DomainXMLError` for one that is not whole or not ours.
  package func manifest(saying text: String, in volume: String) throws -> Manifest {
    try manifests.document(saying: text, in: volume)
  }

  /// Reads a partial.
  ///
  /// - Parameters:
  ///   - volume: The volume that has the partial.
  ///   - repository: The pool's volumes.
  /// - Returns: The partial as it is now.
  /// - Throws: As ``manifest(in:of:)``.
  package func partial(in volume: String, of repository: any Repository) throws -> Partial {
    try partial(saying: try Catalog.text(of: volume, in: repository), in: volume)
  }

  /// Reads the text of a partial.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - volume: The volume that has the partial.
  /// - Returns: The partial.
  /// - Throws: As ``manifest(saying:in:)``.
  package func partial(saying text: String, in volume: String) throws -> Partial {
    try partials.document(saying: text, in: volume)
  }
}

/// The documents of one kind that were parsed, by the volumes that have them.
private struct Parsed<Document> {
  private let parse: (String) throws -> Document
  private var known: [String: (text: String, document: Document)] = [:]

  init(_ parse: @escaping (String) throws -> Document) { self.parse = parse }

  mutating func document(saying text: String, in volume: String) throws -> Document {
    if let known = known[volume], known.text == text { return known.document }
    let document = try parse(text)
    known[volume] = (text, document)
    return document
  }
}
