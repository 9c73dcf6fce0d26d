// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// The facts from which the plan of a create or session is made.
package struct Situation: Sendable {
  /// The live definition.
  package var definition: DomainDefinition
  /// The same as text.
  package var definitionText: String
  /// The persistent definition as text; nil for a transient domain.
  package var inactiveText: String?
  /// True if the domain starts with its host (`virDomainGetAutostart`); nil for a transient domain.
  package var isAutostart: Bool?
  /// All nodes of its QEMU.
  package var nodes: [BlockNode]
  /// The devices of its disks; none where a helper domain has these.
  package var devices: [BlockInfo]
  /// The pool.
  package var catalog: Catalog
  /// The sources of the state that the domain has besides its disks: NVRAM and TPM.
  package var state: StateSources
  /// The abilities of the domain's QEMU that decide how the view is made.
  package var support: ViewSupport
  /// Seconds since 1970-01-01T00:00:00Z.
  package var time: Int64
  /// Makes UUIDs, lower case.
  package var newUUID: @Sendable () -> String

  /// Makes a situation.
  package init(
    definition: DomainDefinition, definitionText: String, inactiveText: String?,
    isAutostart: Bool? = nil, nodes: [BlockNode], devices: [BlockInfo], catalog: Catalog,
    state: StateSources = .init(), support: ViewSupport = .init(), time: Int64,
    newUUID: @escaping @Sendable () -> String
  ) {
    self.definition = definition
    self.definitionText = definitionText
    self.inactiveText = inactiveText
    self.isAutostart = isAutostart
    self.nodes = nodes
    self.devices = devices
    self.catalog = catalog
    self.state = state
    self.support = support
    self.time = time
    self.newUUID = newUUID
  }
}
