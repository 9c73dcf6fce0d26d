// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

@preconcurrency import CLibXML2

extension XMLElement {
  /// The largest document that is read, in bytes.
  ///
  /// libxml2 itself ends at 10,000,000 bytes, with errors that depend on where it stands.
  static let sizeLimit = 8 << 20

  /// The refusal of a larger one.
  static let tooLarge = DomainXMLError(
    reason: .syntax, message: "the document is larger than 8 MiB")

  /// Parses a document.
  ///
  /// Nothing outside the text is read: no network, no document type, no entities but the five of
  /// XML itself. libxml2's limits on depth and size stay in force.
  ///
  /// - Parameters:
  ///   - text: the document.
  ///   - document: what it is called in an error that shows where it ceases to be XML.
  /// - Throws: `DomainXMLError` where it is not well-formed, too large, or has a document type.
  init(parsing text: String, named document: String? = nil) throws(DomainXMLError) {
    guard text.utf8.count <= Self.sizeLimit else { throw Self.tooLarge }
    guard !text.utf8.contains(0) else {
      throw DomainXMLError(reason: .syntax, message: "the document has a NUL byte")
    }
    var text = text
    self = try text.withUTF8 { bytes in Self.parse(bytes, document) }.get()
  }

  private static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, _ name: String?
  ) -> Result<XMLElement, DomainXMLError> {
    xmlInitParser()
    guard let context = xmlNewParserCtxt() else {
      return .failure(DomainXMLError(reason: .syntax, message: "out of memory"))
    }
    defer { xmlFreeParserCtxt(context) }
    // Called at `<!DOCTYPE`, before anything of it is read.
    context.pointee.sax.pointee.internalSubset = { context, _, _, _ in
      xmlStopParser(context?.assumingMemoryBound(to: xmlParserCtxt.self))
    }
    context.pointee.sax.pointee.serror = { context, error in
      guard let context, let error = error?.pointee else { return }
      FirstError.note(error, in: context.assumingMemoryBound(to: xmlParserCtxt.self).pointee)
    }
    let options =
      XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
    var first = FirstError()
    let document = withUnsafeMutablePointer(to: &first) { first in
      context.pointee._private = UnsafeMutableRawPointer(first)
      defer { context.pointee._private = nil }
      return bytes.withMemoryRebound(to: CChar.self) { bytes in
        xmlCtxtReadMemory(
          context, bytes.baseAddress, Int32(bytes.count), nil, "UTF-8", Int32(options))
      }
    }
    defer { xmlFreeDoc(document) }
    guard context.pointee.errNo != Int32(XML_ERR_USER_STOP.rawValue) else {
      return .failure(
        DomainXMLError(reason: .documentType, message: "a document type is not allowed"))
    }
    guard context.pointee.wellFormed == 1, context.pointee.nsWellFormed == 1,
      let root = xmlDocGetRootElement(document)
    else { return .failure(first.error(in: name)) }
    return .success(XMLElement(root.pointee))
  }

  /// Copies libxml2's tree, whose depth its parser has limited.
  private init(_ node: xmlNode) {
    name = Self.qualifiedName(node.name, node.ns)
    namespace = node.ns.flatMap { Self.string($0.pointee.href) }
    if namespace?.isEmpty == true { namespace = nil }
    hasLayout = true
    // libxml2 counts no further.
    place = Place(line: (1..<UInt16.max).contains(node.line) ? Int(node.line) : nil)
    declarations = sequence(first: node.nsDef, next: { $0?.pointee.next }).prefix { $0 != nil }
      .compactMap { $0 }.map {
        NamespaceDeclaration(
          prefix: Self.string($0.pointee.prefix), uri: Self.string($0.pointee.href) ?? "")
      }
    attributes = []
    var attribute = node.properties
    while let current = attribute {
      attributes.append(
        Attribute(
          name: Self.qualifiedName(current.pointee.name, current.pointee.ns),
          namespace: current.pointee.ns.flatMap { Self.string($0.pointee.href) },
          value: Self.value(current.pointee.children)))
      attribute = current.pointee.next
    }
    children = []
    var child = node.children
    while let current = child {
      append(current.pointee)
      child = current.pointee.next
    }
  }

  private mutating func append(_ node: xmlNode) {
    let content = Self.string(node.content) ?? ""
    switch node.type {
    case XML_ELEMENT_NODE: children.append(.element(XMLElement(node)))
    case XML_TEXT_NODE:
      if case .text(let before)? = children.last {
        children[children.count - 1] = .text(before + content)
      } else {
        children.append(.text(content))
      }
    case XML_CDATA_SECTION_NODE: children.append(.cdata(content))
    case XML_COMMENT_NODE: children.append(.comment(content))
    case XML_PI_NODE:
      children.append(.instruction(target: Self.string(node.name) ?? "", data: content))
    default: break
    }
  }

  private static func value(_ texts: UnsafeMutablePointer<xmlNode>?) -> String {
    var value = ""
    var text = texts
    while let current = text {
      value += string(current.pointee.content) ?? ""
      text = current.pointee.next
    }
    return value
  }

  private static func qualifiedName(
    _ name: UnsafePointer<xmlChar>?, _ namespace: UnsafeMutablePointer<xmlNs>?
  ) -> String {
    let local = string(name) ?? ""
    guard let prefix = string(namespace?.pointee.prefix) else { return local }
    return prefix + ":" + local
  }

  private static func string(_ bytes: UnsafePointer<xmlChar>?) -> String? {
    bytes.map { String(cString: $0) }
  }
}
