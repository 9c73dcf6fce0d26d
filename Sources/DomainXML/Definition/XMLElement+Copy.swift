// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension XMLElement {
  /// Makes a `<domain>` one that can live beside the original.
  mutating func become(
    _ copy: RestoredDefinition.Copy, of original: String,
    using generator: inout some RandomNumberGenerator
  ) {
    removeElements { $0.isNamed("uuid") || $0.isNamed("name") }
    insert(XMLElement("uuid", text: copy.uuid.lowercased()))
    insert(XMLElement("name", text: copy.name))
    // The policy was decided for the original, not for the copy.
    forEachElement("metadata") { $0.removeElements(where: Policy.isPolicy) }
    removeElements { $0.isNamed("metadata") && $0.elements.isEmpty }
    // libvirt refuses a system UUID that is not the domain's.
    forEachElement("sysinfo") { sysinfo in
      sysinfo.forEachElement("system") { system in
        system.removeElements { $0.isNamed("entry") && $0["name"] == "uuid" }
      }
      sysinfo.removeElements { $0.isNamed("system") && $0.elements.isEmpty }
    }
    forEachElement("os") { os in
      os.forEachElement("nvram") { nvram in
        nvram["type"] = nil
        nvram.children = []
      }
      os.removeElements { $0.isNamed("nvram") && $0.attributes.isEmpty }
    }
    var addresses: Set<String> = []
    forEachElement("devices") { devices in
      devices.forEachElement { device in
        switch device.name {
        case "interface": device.becomeCopiedInterface(&addresses, using: &generator)
        case "graphics": device.becomeCopiedGraphics()
        case "serial", "parallel", "console", "channel":
          device.becomeCopiedCharacterDevice(of: original, named: copy.name)
        case "vsock":
          device.removeElements("cid")
          device.insert(XMLElement("cid", ["auto": "yes"]))
        default: break
        }
      }
    }
  }

  private mutating func becomeCopiedInterface(
    _ addresses: inout Set<String>, using generator: inout some RandomNumberGenerator
  ) {
    removeElements("mac")
    insert(XMLElement("mac", ["address": Self.newAddress(&addresses, using: &generator)]))
    // A tap device that somebody else manages exists by this name only.
    removeElements { $0.isNamed("target") && $0["managed"] != "no" }
    forEachElement("virtualport") { port in
      port.forEachElement("parameters") { parameters in
        parameters["interfaceid"] = nil
        parameters["instanceid"] = nil
      }
      port.removeElements { $0.isNamed("parameters") && $0.attributes.isEmpty }
      if port.elements.isEmpty { port.children = [] }
    }
  }

  /// A MAC address of QEMU's prefix that was not given before.
  private static func newAddress(
    _ addresses: inout Set<String>, using generator: inout some RandomNumberGenerator
  ) -> String {
    var address: String
    repeat {
      let bytes = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
      address = ([0x52, 0x54, 0x00] + bytes)
        .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    } while !addresses.insert(address).inserted
    return address
  }

  private mutating func becomeCopiedGraphics() {
    self["socket"] = nil
    forEachElement("listen") { $0["socket"] = nil }
    guard self["port"] != nil || self["tlsPort"] != nil || self["autoport"] != nil else { return }
    self["port"] = "-1"
    self["tlsPort"] = nil
    self["autoport"] = "yes"
    if self["websocket"] != nil { self["websocket"] = "-1" }
  }

  private mutating func becomeCopiedCharacterDevice(of original: String, named name: String) {
    let isAutomatic = isNamed("channel") && self["type"] == "unix"
    removeElements { $0.isNamed("source") && isAutomatic && $0["mode"] == "bind" }
    for element in ["source", "log"] {
      let attribute = element == "source" ? "path" : "file"
      forEachElement(element) { element in
        if let path = element[attribute], !path.hasPrefix("/dev/") {
          element[attribute] = path.replacing(original, with: name)
        }
      }
    }
  }
}
