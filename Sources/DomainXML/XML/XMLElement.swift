// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// An element of a document, with everything in it, as a value.
struct XMLElement: Sendable, Equatable {
  /// An attribute that is not a namespace declaration.
  struct Attribute: Sendable, Equatable {
    /// The name as written, with its prefix.
    var name: String
    /// The name's namespace; nil without a prefix.
    var namespace: String?
    /// The value, unescaped.
    var value: String
  }

  /// An `xmlns` declaration.
  struct NamespaceDeclaration: Sendable, Equatable {
    /// The prefix that is declared; nil for the default namespace.
    var prefix: String?
    /// What it stands for.
    var uri: String
  }

  /// What an element contains.
  enum Child: Sendable, Equatable {
    /// An element.
    case element(XMLElement)
    /// Text, unescaped.
    case text(String)
    /// The text of a CDATA section.
    case cdata(String)
    /// A comment.
    case comment(String)
    /// A processing instruction.
    case instruction(target: String, data: String)
  }

  /// Where an element stood in the document it was read from.
  ///
  /// All are equal: where an element stands is no part of what it is.
  struct Place: Sendable, Equatable {
    /// The line, counted from 1; nil where it is not known.
    var line: Int?

    static func == (_: Place, _: Place) -> Bool { true }
  }

  /// The name as written, with its prefix.
  var name: String
  /// The namespace the name is in; nil for none.
  var namespace: String?
  /// The namespaces declared here, in order.
  var declarations: [NamespaceDeclaration]
  /// The attributes, in order.
  var attributes: [Attribute]
  /// What it contains, in order.
  var children: [Child]
  /// True where the white space in it is the author's, which ``indented(depth:)`` leaves alone.
  var hasLayout: Bool
  /// Where it stood.
  var place = Place()

  /// Makes an element of no namespace, to be laid out when it is written.
  init(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:],
    _ elements: [XMLElement] = []
  ) {
    self.name = name
    self.declarations = []
    self.attributes = attributes.compactMap { name, value in
      value.map { Attribute(name: name, value: $0) }
    }
    self.children = elements.map { .element($0) }
    self.hasLayout = false
  }

  /// Makes an element of no namespace that holds a text.
  init(_ name: String, text: String, _ attributes: KeyValuePairs<String, String?> = [:]) {
    self.init(name, attributes)
    children = text.isEmpty ? [] : [.text(text)]
  }

  /// Its elements, in order.
  var elements: [XMLElement] {
    children.compactMap { child in
      guard case .element(let element) = child else { return nil }
      return element
    }
  }

  /// The text in it, without that of its elements.
  var text: String {
    children.reduce(into: "") { result, child in
      switch child {
      case .text(let text), .cdata(let text): result += text
      case .element, .comment, .instruction: break
      }
    }
  }

  /// The name without its prefix.
  var localName: String {
    name.firstIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? name
  }

  /// Whether it has this name and no namespace.
  func isNamed(_ other: String) -> Bool { namespace == nil && name == other }

  /// Its elements of this name and no namespace.
  func elements(_ name: String) -> [XMLElement] { elements.filter { $0.isNamed(name) } }

  /// The first of its elements of this name and no namespace.
  func element(_ name: String) -> XMLElement? { elements.first { $0.isNamed(name) } }

  /// The text of the first element of this name; nil where there is none or it is empty.
  func text(of name: String) -> String? {
    guard let text = element(name)?.text, !text.isEmpty else { return nil }
    return text
  }

  /// The value of an attribute without a prefix.
  subscript(name: String) -> String? {
    get { attributes.first { $0.name == name }?.value }
    set {
      guard let newValue else {
        attributes.removeAll { $0.name == name }
        return
      }
      if let index = attributes.firstIndex(where: { $0.name == name }) {
        attributes[index].value = newValue
      } else {
        attributes.append(Attribute(name: name, value: newValue))
      }
    }
  }
}
