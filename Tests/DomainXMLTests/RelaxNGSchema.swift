// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency import CLibXML2

/// A RELAX NG schema, as libxml2 validates with it.
struct RelaxNGSchema {
  /// What libxml2 says of a document.
  enum Verdict: Equatable {
    case valid
    case invalid
    /// The schema or the document could not be read.
    case unreadable
  }

  /// Path of the schema.
  let path: String

  /// The schema of manifests and partials.
  static let backup = ours("backup")
  /// The schema of policies.
  static let policy = ours("policy")

  private static func ours(_ name: String) -> RelaxNGSchema {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/")
    return RelaxNGSchema(path: "\(root)/Sources/DomainXML/Schema/\(name).rng")
  }

  /// A schema of the installed libvirt; nil where it is not there.
  static func libvirt(_ name: String) -> RelaxNGSchema? {
    let path = "/usr/share/libvirt/schemas/\(name).rng"
    guard let file = fopen(path, "r") else { return nil }
    fclose(file)
    return RelaxNGSchema(path: path)
  }

  /// Validates a document.
  func validate(_ text: String) -> Verdict { validate([text])[0] }

  /// Validates several documents, for which the schema is read once.
  func validate(_ texts: [String]) -> [Verdict] {
    let unreadable = texts.map { _ in Verdict.unreadable }
    guard let parser = xmlRelaxNGNewParserCtxt(path) else { return unreadable }
    defer { xmlRelaxNGFreeParserCtxt(parser) }
    guard let schema = xmlRelaxNGParse(parser) else { return unreadable }
    defer { xmlRelaxNGFree(schema) }
    return texts.map { Self.validate($0, schema) }
  }

  private static func validate(_ text: String, _ schema: xmlRelaxNGPtr) -> Verdict {
    let options = Int32(XML_PARSE_NONET.rawValue)
    guard let document = xmlReadMemory(text, Int32(text.utf8.count), nil, nil, options) else {
      return .unreadable
    }
    defer { xmlFreeDoc(document) }
    guard let context = xmlRelaxNGNewValidCtxt(schema) else { return .unreadable }
    defer { xmlRelaxNGFreeValidCtxt(context) }
    xmlRelaxNGSetValidStructuredErrors(context, { _, _ in }, nil)
    return switch xmlRelaxNGValidateDoc(context, document) {
    case 0: .valid
    case 1...: .invalid
    default: .unreadable
    }
  }
}
