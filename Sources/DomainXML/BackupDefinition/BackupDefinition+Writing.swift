// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension BackupDefinition {
  /// Writes the document, in the form in which `backup-dumpxml` shows one.
  ///
  /// - Returns: the document, with a line end; parsing it gives the same again.
  /// - Throws: `DomainXMLError` where it says what must not be said.
  package func xml() throws(DomainXMLError) -> String {
    var elements: [XMLElement] = []
    if let incremental { elements.append(XMLElement("incremental", text: incremental)) }
    if let server { elements.append(server.xmlElement) }
    if let disks {
      elements.append(XMLElement("disks", [:], disks.map { $0.xmlElement(mode) }))
    }
    let text = try XMLElement("domainbackup", ["mode": mode.rawValue], elements).document()
    _ = try Self(parsing: text)
    return text
  }
}

extension BackupDefinition.Server {
  fileprivate var xmlElement: XMLElement {
    let tls = usesTLS.map { $0 ? "yes" : "no" }
    switch transport {
    case .tcp(let name, let port):
      return XMLElement(
        "server", ["transport": "tcp", "tls": tls, "name": name, "port": port.map { "\($0)" }])
    case .unix(let socket):
      return XMLElement("server", ["transport": "unix", "tls": tls, "socket": socket])
    }
  }
}

extension BackupDefinition.Disk {
  fileprivate func xmlElement(_ documentMode: BackupDefinition.Mode) -> XMLElement {
    guard isIncluded else { return XMLElement("disk", ["name": name, "backup": "no"]) }
    var elements: [XMLElement] = []
    if let format { elements.append(XMLElement("driver", ["type": format])) }
    if let store {
      elements.append(store.xmlElement(documentMode == .push ? "target" : "scratch", type))
    }
    return XMLElement(
      "disk",
      [
        "name": name, "backup": "yes", "type": type.rawValue, "backupmode": mode?.rawValue,
        "incremental": incremental, "exportname": exportName, "exportbitmap": exportBitmap,
      ], elements)
  }
}

extension BackupDefinition.Store {
  fileprivate func xmlElement(_ name: String, _ type: BackupDefinition.StoreType) -> XMLElement {
    var elements = securityLabels.map(\.xmlElement)
    if let encryption { elements.append(encryption.xmlElement) }
    return XMLElement(
      name, ["file": type == .file ? path : nil, "dev": type == .block ? path : nil], elements)
  }
}

extension BackupDefinition.SecurityLabel {
  fileprivate var xmlElement: XMLElement {
    switch self {
    case .kept(let model): XMLElement("seclabel", ["model": model, "relabel": "no"])
    case .skipped(let model): XMLElement("seclabel", ["model": model, "labelskip": "yes"])
    case .given(let model, let labels):
      XMLElement(
        "seclabel", ["model": model, "relabel": "yes"],
        labels.map { XMLElement("label", text: $0) })
    }
  }
}

extension BackupDefinition.Encryption {
  fileprivate var xmlElement: XMLElement {
    var elements: [XMLElement] = []
    switch secret {
    case .uuid(let uuid):
      elements.append(XMLElement("secret", ["type": "passphrase", "uuid": uuid]))
    case .usage(let usage):
      elements.append(XMLElement("secret", ["type": "passphrase", "usage": usage]))
    }
    if let cipher {
      elements.append(
        XMLElement(
          "cipher",
          [
            "name": cipher.name, "size": "\(cipher.size)", "mode": cipher.mode,
            "hash": cipher.hash,
          ]))
    }
    if let generator = initializationVector {
      elements.append(XMLElement("ivgen", ["name": generator.name, "hash": generator.hash]))
    }
    return XMLElement(
      "encryption", ["format": "luks", "engine": namesEngine ? "qemu" : nil], elements)
  }
}
