// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension FileOwner {
  /// Reads whom a volume belongs to out of its definition (`virStorageVolGetXMLDesc`).
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError` where it does not say.
  package init(parsingVolume text: String) throws(DomainXMLError) {
    let permissions = try XMLElement(parsing: text).element("target")?.element("permissions")
    guard let owner = permissions?.text(of: "owner").flatMap({ UInt32($0) }),
      let group = permissions?.text(of: "group").flatMap({ UInt32($0) })
    else { throw .invalid("the volume has no owner") }
    self.init(owner: owner, group: group)
  }
}
