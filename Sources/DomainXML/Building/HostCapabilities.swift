// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// What we need to know of a hypervisor's capabilities (`virConnectGetCapabilities`).
package struct HostCapabilities: Sendable, Equatable {
  /// `<host><uuid>`, lower case.
  package var hostUUID: String?
  /// The `dac` label of domains by their type: `kvm` to `+64055:+64055`.
  package var dacLabels: [String: String]

  /// Reads capabilities: a document whose root is `<capabilities>`.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it is not such a document.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    guard root.isNamed("capabilities") else {
      throw .invalid("<\(root.name)> is not <capabilities>")
    }
    let host = root.element("host")
    hostUUID = host?.text(of: "uuid")?.lowercased()
    guard hostUUID.map(Syntax.isUUID) ?? true else {
      throw .invalid("the host has no valid UUID")
    }
    dacLabels = [:]
    let models = host?.elements("secmodel") ?? []
    for label in models.filter({ $0.text(of: "model") == "dac" }).flatMap({
      $0.elements("baselabel")
    }) {
      if let type = label["type"] { dacLabels[type] = label.text }
    }
  }

  /// Whom the files of domains of a type belong to; nil where that is not known as numbers.
  package func owner(ofDomainType type: String) -> FileOwner? {
    dacLabels[type].flatMap(FileOwner.init(label:))
  }
}
