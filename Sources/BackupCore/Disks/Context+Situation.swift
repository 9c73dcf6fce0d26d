// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

extension Context {
  package func situation(
    _ definition: DomainDefinition, text: String, nodes: [BlockNode], devices: [BlockInfo],
    catalog: Catalog
  ) -> Situation {
    .init(
      definition: definition, definitionText: text, inactiveText: nil, nodes: nodes,
      devices: devices, catalog: catalog, time: process.time(), newUUID: process.newUUID)
  }
}
