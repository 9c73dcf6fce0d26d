// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension DomainDefinition {
  /// What a domain keeps between two starts that is on none of its disks, for people.
  ///
  /// - Parameter text: the definition.
  /// - Returns: a name each, in the order of the definition.
  /// - Throws: `DomainXMLError` where the text is no document.
  package static func stateBesideDisks(in text: String) throws(DomainXMLError) -> [String] {
    let root = try XMLElement(parsing: text)
    var state: [String] = []
    if let os = root.element("os"), os.element("nvram") != nil || os["firmware"] == "efi" {
      state.append("the NVRAM")
    }
    let devices = root.elements("devices").flatMap(\.elements)
    if devices.contains(where: { $0.isNamed("tpm") && $0.element("backend")?["type"] == "emulator" }
    ) {
      state.append("the state of the TPM")
    }
    return state
  }
}
