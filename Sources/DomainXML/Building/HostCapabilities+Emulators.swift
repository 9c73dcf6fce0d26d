// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension HostCapabilities {
  /// The emulators a host offers for its guests (`virConnectGetCapabilities`, `<guest>`).
  ///
  /// - Parameter text: the document.
  /// - Returns: Their absolute paths.
  /// - Throws: `DomainXMLError` where it is no such document.
  package static func emulators(in text: String) throws(DomainXMLError) -> Set<String> {
    var found: Set<String> = []
    for guest in try XMLElement(parsing: text).elements("guest") {
      for architecture in guest.elements("arch") {
        for place in [architecture] + architecture.elements("domain") {
          if let path = place.text(of: "emulator") { found.insert(path) }
        }
      }
    }
    return found
  }
}
