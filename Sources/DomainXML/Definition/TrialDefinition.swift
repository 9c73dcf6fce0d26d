// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// Definitions that are only to show whether libvirt takes another.
package enum TrialDefinition {
  /// A definition without the devices that need something of the host when they are turned into a
  /// command line, which a definition need not have: interfaces, host devices, volumes.
  ///
  /// - Parameter text: The definition.
  /// - Returns: The rest of it, for `virConnectDomainXMLToNative`.
  /// - Throws: `DomainXMLError` where the text is no document.
  package static func convertible(_ text: String) throws(DomainXMLError) -> String {
    var root = try XMLElement(parsing: text)
    root.forEachElement("devices") { devices in
      devices.removeElements { device in
        device.isNamed("interface") || device.isNamed("hostdev")
          || device.isNamed("disk") && device["type"] == "volume"
      }
    }
    return try root.xml()
  }
}
