// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a document was refused, or cannot be written.
package struct DomainXMLError: Error, Sendable, Equatable {
  /// The kinds of refusal.
  package enum Reason: Sendable, Equatable {
    /// The text is not well-formed XML, or is too large or too deep.
    case syntax
    /// The text has a document type declaration, which none of our documents needs.
    case documentType
    /// A manifest or partial of a later version than this program knows.
    case newerVersion(Int)
    /// The document is well-formed, but does not say what it should, or must not say what it does.
    case invalid
    /// The document says what it should, but that cannot be done; the message is whole, in
    /// libvirt's words where it has some.
    case unsuitable
  }

  /// The line in which a document ceases to be XML.
  package struct Excerpt: Sendable, Equatable {
    /// What the document is called.
    package var document: String
    /// The line, and one below it that marks the place.
    package var text: String
  }

  /// What kind of refusal it is.
  package var reason: Reason
  /// The line of the document, where one is known.
  package var line: Int?
  /// What is wrong, in words.
  package var message: String
  /// The place where a document that was given a name ceases to be XML.
  package var excerpt: Excerpt?

  /// Makes an error.
  package init(reason: Reason, line: Int? = nil, message: String, excerpt: Excerpt? = nil) {
    self.reason = reason
    self.line = line
    self.message = message
    self.excerpt = excerpt
  }

  /// Makes the error for a document that says what it must not, or says too little.
  static func invalid(_ message: String, line: Int? = nil) -> Self {
    Self(reason: .invalid, line: line, message: message)
  }

  /// Makes the error for a document that asks for what cannot be done.
  static func unsupported(_ message: String) -> Self {
    Self(reason: .unsuitable, message: "unsupported configuration: " + message)
  }
}
