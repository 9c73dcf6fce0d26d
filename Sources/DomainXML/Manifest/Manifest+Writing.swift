// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Manifest {
  /// Writes the manifest as a document.
  ///
  /// The same manifest gives the same text. Parsing it gives the same manifest, with
  /// ``domainXML``, ``inactiveDomainXML`` and ``unknownElements`` in the form of a manifest: with one
  /// way of quoting and escaping, and nothing around their elements. What parsing would refuse is not
  /// written.
  ///
  /// - Returns: the document, with a line end.
  /// - Throws: `DomainXMLError` where the manifest is not valid.
  package func xml() throws(DomainXMLError) -> String {
    let root = try XMLElement("backup", ["version": String(Self.version)], xmlElements())
    let text = try root.document()
    _ = try Self(parsing: text)
    return text
  }

  /// The elements of the root, in order.
  func xmlElements() throws(DomainXMLError) -> [XMLElement] {
    let domain = try XMLElement(parsing: domainXML)
    let definition = try DomainDefinition(domain)
    guard definition.name == domainName, definition.uuid == domainUUID else {
      throw .invalid("the definition is not of domain '\(domainName)'")
    }
    var elements = [
      XMLElement("name", text: name),
      XMLElement("uuid", text: uuid),
      XMLElement("chain", text: chain),
      XMLElement("sequence", text: String(sequence)),
      XMLElement("creationTime", text: String(creationTime)),
    ]
    if let description { elements.append(XMLElement("description", text: description)) }
    if isProtected { elements.append(XMLElement("protected")) }
    if let parent { elements.append(XMLElement("parent", text: parent)) }
    elements.append(XMLElement("consistency", text: consistency.rawValue))
    if let isAutostart {
      elements.append(XMLElement("autostart", text: isAutostart ? "yes" : "no"))
    }
    if let host { elements.append(host.xmlElement) }
    elements.append(XMLElement("disks", [:], disks.map(\.xmlElement)))
    if let nvram { elements.append(nvram.xmlElement("nvram")) }
    if let tpm { elements.append(tpm.xmlElement("tpm")) }
    let images = disks.compactMap(\.volume.imageElement)
    if !images.isEmpty { elements.append(XMLElement("images", [:], images)) }
    if !guestInformation.isEmpty {
      elements.append(
        XMLElement(
          "guestInfo", [:],
          guestInformation.sorted { $0.key < $1.key }.map {
            XMLElement("info", ["name": $0.key, "value": $0.value])
          }))
    }
    elements.append(domain)
    if let inactiveDomainXML {
      let inactive = try XMLElement(parsing: inactiveDomainXML)
      elements.append(XMLElement("inactiveDomain", [:], [inactive]))
    }
    for unknown in unknownElements {
      let element = try XMLElement(parsing: unknown)
      guard !Self.knownElements.contains(where: element.isNamed) else {
        throw .invalid("<\(element.name)> is not an unknown element")
      }
      elements.append(element)
    }
    return elements
  }

  private static let knownElements = [
    "operation", "name", "uuid", "chain", "sequence", "creationTime", "description", "protected",
    "parent",
    "consistency", "autostart", "host", "disks", "nvram", "tpm", "guestInfo", "images", "domain",
    "inactiveDomain",
  ]
}

extension Manifest.Disk {
  /// The disk as an element.
  fileprivate var xmlElement: XMLElement {
    XMLElement(
      "disk",
      [
        "name": name, "mode": mode.rawValue, "parent": parent,
        "differential": isDifferential ? "yes" : nil, "reasonCode": reasonCode, "reason": reason,
        "capacity": String(capacity), "format": format,
      ], [volume.xmlElement])
  }
}

extension Manifest.State {
  /// The state as an element.
  fileprivate func xmlElement(_ name: String) -> XMLElement {
    XMLElement(name, ["capacity": String(capacity)], [volume.xmlElement])
  }
}

extension Manifest.Volume {
  /// What is noted of the image; nil for nothing.
  fileprivate var imageElement: XMLElement? {
    guard length != nil || clusters != nil else { return nil }
    return XMLElement(
      "image",
      ["volume": name, "length": length.map { "\($0)" }, "clusters": clusters.map { "\($0)" }])
  }

  /// The volume as an element.
  fileprivate var xmlElement: XMLElement {
    XMLElement("volume", ["name": name, "size": String(size)])
  }
}
