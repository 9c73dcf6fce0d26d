// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension XMLElement {
  /// The element as XML, in the one form this module writes.
  ///
  /// Attribute values are in single quotes, as libvirt writes them, empty elements are `<a/>`, and
  /// only what needs it is escaped. Parsing the result gives the same element again.
  ///
  /// - Throws: `DomainXMLError` where a text has a character that XML cannot hold.
  func xml() throws(DomainXMLError) -> String {
    var output = ""
    try write(to: &output)
    return output
  }

  /// The element as a document of its own: laid out, with a line end.
  func document() throws(DomainXMLError) -> String {
    try indented(depth: 0).xml() + "\n"
  }

  /// The same element with white space between elements that have none of their author's.
  func indented(depth: Int) -> XMLElement {
    guard !hasLayout, !children.isEmpty, children.count == elements.count else { return self }
    var result = self
    result.hasLayout = true
    result.children = elements.flatMap { element -> [Child] in
      [.text(Self.lineStart(depth + 1)), .element(element.indented(depth: depth + 1))]
    }
    result.children.append(.text(Self.lineStart(depth)))
    return result
  }

  private static func lineStart(_ depth: Int) -> String {
    "\n" + String(repeating: "  ", count: depth)
  }

  private func write(to output: inout String) throws(DomainXMLError) {
    output += "<" + name
    for declaration in declarations {
      output += declaration.prefix.map { " xmlns:\($0)='" } ?? " xmlns='"
      try Self.escape(declaration.uri, inAttribute: true, to: &output)
      output += "'"
    }
    for attribute in attributes {
      output += " \(attribute.name)='"
      try Self.escape(attribute.value, inAttribute: true, to: &output)
      output += "'"
    }
    guard !children.isEmpty else {
      output += "/>"
      return
    }
    output += ">"
    for child in children {
      switch child {
      case .element(let element): try element.write(to: &output)
      case .text(let text): try Self.escape(text, inAttribute: false, to: &output)
      case .cdata(let text): Self.writeCDATA(text, to: &output)
      case .comment(let text): output += "<!--\(text)-->"
      case .instruction(let target, let data):
        output += data.isEmpty ? "<?\(target)?>" : "<?\(target) \(data)?>"
      }
    }
    output += "</\(name)>"
  }

  /// Writes a CDATA section, or several.
  ///
  /// libxml2 joins neighbours when it reads, and so gives texts with the end mark in them.
  private static func writeCDATA(_ text: String, to output: inout String) {
    output += "<![CDATA["
    var brackets = 0
    for scalar in text.unicodeScalars {
      if scalar == ">", brackets >= 2 { output += "]]><![CDATA[" }
      brackets = scalar == "]" ? brackets + 1 : 0
      output.unicodeScalars.append(scalar)
    }
    output += "]]>"
  }

  private static func escape(
    _ text: String, inAttribute: Bool, to output: inout String
  ) throws(DomainXMLError) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": output += "&amp;"
      case "<": output += "&lt;"
      case ">": output += "&gt;"
      case "'" where inAttribute: output += "&apos;"
      case "\t" where inAttribute: output += "&#9;"
      case "\n" where inAttribute: output += "&#10;"
      case "\r": output += "&#13;"
      case "\t", "\n", "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
        output.unicodeScalars.append(scalar)
      default:
        throw .invalid("character U+\(String(scalar.value, radix: 16)) cannot be written in XML")
      }
    }
  }
}
