// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension XMLElement {
  /// Removes from a `<domain>` what only a running domain has, and what a restore makes untrue.
  mutating func removeLiveState() {
    self["id"] = nil
    removeElements("privateData")
    forEachElement("metadata") { $0.removeElements(where: HelperDefinition.isMark) }
    removeElements { $0.isNamed("metadata") && $0.elements.isEmpty }
    forEachElement("genid") { $0.children = [] }
    forEachDescendant { $0.removeGeneratedLabels() }
    forEachElement("devices") { devices in
      devices.forEachElement { device in
        device.removeElements { $0.isNamed("alias") && $0["name"]?.hasPrefix("ua-") != true }
        device.removeElements("privateData")
        switch device.name {
        case "disk": device.removeLiveDiskState()
        case "interface": device.removeLiveInterfaceState()
        case "graphics": device.removeLiveGraphicsState()
        case "serial", "parallel", "console", "channel": device.removeLiveCharacterDeviceState()
        default: break
        }
      }
    }
  }

  /// Removes the labels libvirt generates from the `<seclabel>` elements directly in this one.
  private mutating func removeGeneratedLabels() {
    removeElements {
      $0.isNamed("seclabel") && $0["type"] == "dynamic" && $0.element("baselabel") == nil
    }
    forEachElement("seclabel") { label in
      label.removeElements("imagelabel")
      if label["type"] == "dynamic" { label.removeElements("label") }
    }
  }

  private mutating func removeLiveDiskState() {
    removeElements("backingStore")
    removeElements("mirror")
    forEachElement("source") { $0["index"] = nil }
  }

  private mutating func removeLiveInterfaceState() {
    let generated = ["vnet", "macvtap", "macvlan"]
    forEachElement("target") { target in
      if generated.contains(where: { target["dev"]?.hasPrefix($0) == true }) { target["dev"] = nil }
    }
    removeElements { $0.isNamed("target") && $0.attributes.isEmpty && $0.elements.isEmpty }
    // A running interface of a network shows what the network made of it.
    guard element("source")?["network"] != nil else { return }
    self["type"] = "network"
    self["managed"] = nil
    forEachElement("source") { source in
      source.attributes.removeAll { !["network", "portgroup"].contains($0.name) }
      source.children = []
    }
  }

  private mutating func removeLiveGraphicsState() {
    if self["autoport"] == "yes" {
      self["port"] = "-1"
      self["tlsPort"] = nil
    }
    if self["socket"].map(Self.isGeneratedPath) == true { self["socket"] = nil }
    forEachElement("listen") { listen in
      if listen["type"] == "network" { listen["address"] = nil }
      if listen["socket"].map(Self.isGeneratedPath) == true { listen["socket"] = nil }
    }
  }

  private mutating func removeLiveCharacterDeviceState() {
    self["tty"] = nil
    let isTerminal = self["type"] == "pty"
    removeElements { source in
      source.isNamed("source")
        && (isTerminal || source["path"].map(Self.isGeneratedPath) == true)
    }
    forEachElement("target") { $0["state"] = nil }
  }

  /// Whether a path is one that libvirt made for a socket of a domain.
  static func isGeneratedPath(_ path: String) -> Bool {
    guard Syntax.isAbsolutePath(path) else { return false }
    return [
      "/run/libvirt/qemu/", "/var/run/libvirt/qemu/", "/var/lib/libvirt/qemu/channel/",
      "/var/lib/libvirt/qemu/domain-",
    ].contains { path.hasPrefix($0) }
      || (path.hasPrefix("/run/user/") || path.contains("/.config/") || path.contains("/.cache/"))
        && ["/libvirt/qemu/run/", "/libvirt/qemu/lib/", "/libvirt/qemu/channel/"].contains {
          path.contains($0)
        }
  }
}
