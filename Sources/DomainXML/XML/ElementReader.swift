// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Takes an element apart and notices what nobody asked for.
///
/// What a document must not say is refused, so that nothing is lost when one is rewritten.
struct ElementReader {
  private let name: String
  private let line: Int?
  private var attributes: [XMLElement.Attribute]
  /// The elements that nobody has asked for yet.
  private(set) var elements: [XMLElement]

  /// Starts on an element that holds elements only.
  init(_ element: XMLElement) throws(DomainXMLError) {
    name = element.name
    line = element.place.line
    attributes = element.attributes
    elements = element.elements
    guard element.text.utf8.allSatisfy({ " \t\r\n".utf8.contains($0) }) else {
      throw invalid("unexpected text in <\(name)>")
    }
  }

  /// The error for what the element must not say.
  func invalid(_ message: String) -> DomainXMLError { .invalid(message, line: line) }

  /// Takes an attribute, if it is there.
  mutating func attribute(_ attribute: String) -> String? {
    guard let index = attributes.firstIndex(where: { $0.name == attribute }) else { return nil }
    return attributes.remove(at: index).value
  }

  /// Takes an attribute that must be there.
  mutating func required(attribute: String) throws(DomainXMLError) -> String {
    guard let value = self.attribute(attribute) else {
      throw invalid("<\(name)> has no '\(attribute)'")
    }
    return value
  }

  /// Takes an attribute that is `yes` or `no`; false where it is not there.
  mutating func flag(_ attribute: String) throws(DomainXMLError) -> Bool {
    switch self.attribute(attribute) {
    case "yes": true
    case "no", nil: false
    default: throw invalid("'\(attribute)' of <\(name)> is neither 'yes' nor 'no'")
    }
  }

  /// Takes an attribute that is one of a few words; nil where it is not there.
  mutating func choice(_ attribute: String, of words: [String]) throws(DomainXMLError) -> String? {
    guard let value = self.attribute(attribute) else { return nil }
    guard words.contains(value) else {
      throw invalid(
        "invalid value '\(value)' for attribute '\(attribute)' of <\(name)>, not one of "
          + words.joined(separator: ", "))
    }
    return value
  }

  /// Takes an element that may be there once.
  mutating func element(_ element: String) throws(DomainXMLError) -> XMLElement? {
    let found = all(element)
    guard found.count < 2 else {
      throw .invalid("<\(name)> has more than one <\(element)>", line: found[1].place.line)
    }
    return found.first
  }

  /// Takes an element that must be there once.
  mutating func required(_ element: String) throws(DomainXMLError) -> XMLElement {
    guard let found = try self.element(element) else {
      throw invalid("<\(name)> has no <\(element)>")
    }
    return found
  }

  /// Takes all elements of a name.
  mutating func all(_ element: String) -> [XMLElement] {
    let found = elements.filter { $0.isNamed(element) }
    elements.removeAll { $0.isNamed(element) }
    return found
  }

  /// Takes the text of an element that may be there.
  mutating func text(_ element: String) throws(DomainXMLError) -> String? {
    guard let found = try self.element(element) else { return nil }
    guard found.elements.isEmpty, found.attributes.isEmpty else {
      throw .invalid("<\(element)> holds more than text", line: found.place.line)
    }
    return found.text
  }

  /// Takes the text of an element that must be there.
  mutating func required(text element: String) throws(DomainXMLError) -> String {
    guard let text = try text(element) else { throw invalid("<\(name)> has no <\(element)>") }
    return text
  }

  /// Refuses attributes that nobody asked for.
  func finishAttributes() throws(DomainXMLError) {
    if let left = attributes.first {
      throw invalid("unknown attribute '\(left.name)' of <\(name)>")
    }
  }

  /// Refuses whatever nobody asked for.
  func finish() throws(DomainXMLError) {
    try finishAttributes()
    if let left = elements.first {
      throw .invalid("unknown element <\(left.name)> in <\(name)>", line: left.place.line)
    }
  }
}
