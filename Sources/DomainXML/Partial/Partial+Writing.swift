// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// Writes the partial as a document.
  ///
  /// As with a manifest, the same partial gives the same text, parsing it gives the same partial
  /// but for the form of definitions, and what parsing would refuse is not written.
  ///
  /// - Returns: the document, with a line end.
  /// - Throws: `DomainXMLError` where the partial is not valid.
  package func xml() throws(DomainXMLError) -> String {
    let (type, detail, rest) = try operation.xmlElements()
    let element = XMLElement(
      "operation", ["type": type],
      [
        XMLElement("uuid", text: uuid),
        XMLElement("pointName", text: pointName),
        XMLElement("domainName", text: domainName),
        XMLElement("domainUUID", text: domainUUID),
        XMLElement("hostUUID", text: host.uuid),
        XMLElement(
          "owner",
          [
            "host": owner.host, "bootID": owner.bootID, "pid": String(owner.pid),
            "startTime": String(owner.startTime),
            "pidNamespace": owner.pidNamespace.map { String($0) },
          ]),
        XMLElement("creationTime", text: String(creationTime)),
      ] + [host.detailElement].compactMap(\.self)
        + (helper.map { [XMLElement("helper", text: $0)] } ?? []) + [detail])
    let root = XMLElement("backup", ["version": String(Manifest.version)], [element] + rest)
    let text = try root.document()
    _ = try Self(parsing: text)
    return text
  }
}

extension Partial.Operation {
  /// The type's word, the operation's own element, and the elements of its manifest.
  fileprivate func xmlElements() throws(DomainXMLError) -> (String, XMLElement, [XMLElement]) {
    switch self {
    case .create(let manifest, let disks, let isSuspended, let isFrozen):
      let elements = disks.map { disk in
        XMLElement(
          "disk",
          [
            "name": disk.name, "scratchVolume": disk.scratchVolume,
            "scratchDirectory": disk.scratchDirectory, "node": disk.node, "device": disk.device,
          ], disk.target.map { [$0.xmlElement] } ?? [])
      }
      let detail = XMLElement(
        "create",
        ["suspended": isSuspended ? "yes" : "no", "frozen": isFrozen ? "yes" : "no"], elements)
      return ("create", detail, try manifest.xmlElements())
    case .restore(let restore): return ("restore", try restore.xmlElement(), [])
    case .live(let live): return ("live", live.xmlElement, [])
    case .delete(let delete): return ("delete", try delete.xmlElement(), [])
    case .session(let session): return ("session", session.xmlElement, [])
    case .verify(let verify): return ("verify", verify.xmlElement, [])
    }
  }
}

extension Partial.CopyTarget {
  fileprivate var xmlElement: XMLElement {
    XMLElement(
      "target",
      [
        "type": type.rawValue, "path": path, "format": format,
        "encrypted": isEncrypted ? "yes" : nil,
      ])
  }
}
