// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

/// What a plan is made from.
package struct Situation: Sendable {
  /// The live definition.
  package var definition: DomainDefinition
  /// The same as text.
  package var definitionText: String
  /// The persistent definition as text; nil for a transient domain.
  package var inactiveText: String?
  /// Whether the domain starts with its host; nil for a transient domain.
  package var isAutostart: Bool?
  /// All nodes of its QEMU.
  package var nodes: [BlockNode]
  /// The devices of its disks; none where a helper domain has these.
  package var devices: [BlockInfo]
  /// The pool.
  package var catalog: Catalog
  /// What the domain has besides its disks.
  package var state: StateSources
  /// What the domain's QEMU can do.
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
