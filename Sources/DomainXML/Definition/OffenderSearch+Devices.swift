// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension OffenderSearch {
  /// Searches an element of `<devices>`.
  mutating func searchDevice(_ device: XMLElement) {
    switch device.name {
    case "emulator":
      if !emulators.contains(device.text) { add("<emulator> '\(device.text)'") }
    case "disk": searchDisk(device)
    case "interface": searchInterface(device)
    case "serial", "parallel", "console", "channel", "redirdev", "smartcard":
      searchCharacterDevice(device)
    case "graphics": searchGraphics(device)
    case "input": require(device, "type", in: ["mouse", "tablet", "keyboard"])
    case "audio": require(device, "type", in: ["none", "spice"])
    case "tpm": searchTPM(device)
    case "rng": searchRNG(device)
    case "memory":
      for path in device.elements("source").flatMap({ $0.elements("path") }) {
        add("<memory> of file '\(path.text)'")
      }
    case "crypto": device.elements("backend").forEach { require($0, "model", in: ["builtin"]) }
    case let name where Self.harmlessDevices.contains(name): break
    default: add("<\(device.name)>" + (device["type"].map { " of type '\($0)'" } ?? ""))
    }
    searchPaths(device, in: device.name)
  }

  /// Devices that reach nothing of the host, unless they name a path.
  private static let harmlessDevices: Set = [
    "controller", "sound", "video", "redirfilter", "hub", "watchdog", "memballoon", "panic",
    "iommu", "vsock", "nvram",
  ]

  /// Notes an attribute that has none of the allowed values.
  private mutating func require(_ element: XMLElement, _ attribute: String, in allowed: [String]) {
    guard let value = element[attribute], allowed.contains(value) else {
      add("<\(element.name)> of \(attribute) '\(element[attribute] ?? "")'")
      return
    }
  }

  /// Notes elements that are not among the known ones.
  private mutating func require(elementsOf element: XMLElement, in allowed: Set<String>) {
    for inner in element.elements where inner.namespace == nil && !allowed.contains(inner.name) {
      add("<\(inner.name)> in <\(element.name)>")
    }
  }

  /// Notes what is left of paths: ROM files, drivers' configurations, whatever comes one day.
  private mutating func searchPaths(_ element: XMLElement, in device: String) {
    for attribute in element.attributes {
      let isFile = ["file", "rendernode"].contains(attribute.name)
      guard isFile || attribute.value.startsAsPath, !Self.isAutomatic(attribute, of: device)
      else {
        continue
      }
      addPath(attribute.value, in: device)
    }
    if element.text.startsAsPath, !["emulator", "rng"].contains(device) {
      addPath(element.text, in: device)
    }
    for inner in element.elements where !(device == "disk" && Self.isReplaced(inner)) {
      searchPaths(inner, in: device)
    }
  }

  /// Notes a path, unless an offender names it already.
  private mutating func addPath(_ path: String, in device: String) {
    guard !offenders.contains(where: { $0.contains("'\(path)'") }) else { return }
    add("<\(device)> with '\(path)'")
  }

  private static func isAutomatic(_ attribute: XMLElement.Attribute, of device: String) -> Bool {
    switch device {
    case "serial", "parallel", "console", "channel":
      attribute.value.hasPrefix("/dev/pts/") && Syntax.isAbsolutePath(attribute.value)
        || XMLElement.isGeneratedPath(attribute.value)
    case "graphics": XMLElement.isGeneratedPath(attribute.value)
    default: false
    }
  }

  /// Whether an element of a `<disk>` is one that a restore removes, or that was looked at.
  private static func isReplaced(_ element: XMLElement) -> Bool {
    ["source", "backingStore", "mirror"].contains(element.name)
  }

  private mutating func searchDisk(_ disk: XMLElement) {
    let targets = disk.elements("target").compactMap { $0["dev"] }
    let target = targets.first ?? ""
    if targets.count != 1 { add("disk '\(target)' with several targets") }
    require(
      elementsOf: disk,
      in: [
        "driver", "source", "target", "alias", "address", "boot", "readonly", "shareable",
        "transient", "serial", "wwn", "vendor", "product", "iotune", "blockio", "geometry",
        "backingStore", "mirror", "auth", "encryption", "throttlefilters",
      ])
    guard !restoredDisks.contains(target) else { return }
    for source in disk.elements("source") + disk.elements("mirror") + disk.elements("backingStore")
    {
      let values = source.attributes.filter {
        !["index", "startupPolicy", "type"].contains($0.name)
      }
      guard !values.isEmpty || !source.elements.isEmpty else { continue }
      let text = values.map(\.value).joined(separator: " ")
      add(
        "disk '\(target)' of type '\(disk["type"] ?? "file")'"
          + (text.isEmpty ? "" : " at '\(text)'"))
    }
    let sourceless = ["file", "block", "volume", nil]
    if !sourceless.contains(disk["type"]) {
      add("disk '\(target)' of type '\(disk["type"] ?? "")'")
    }
  }

  private mutating func searchInterface(_ interface: XMLElement) {
    require(interface, "type", in: ["network", "bridge", "user", "direct"])
    require(
      elementsOf: interface,
      in: [
        "mac", "source", "target", "model", "driver", "alias", "address", "boot", "bandwidth",
        "virtualport", "vlan", "link", "mtu", "filterref", "guest", "rom", "coalesce", "tune",
        "port", "teaming", "backend", "ip", "route", "acpi",
      ])
    for source in interface.elements("source") where source["mode"] == "passthrough" {
      add("<interface> that takes '\(source["dev"] ?? "")' over")
    }
    for backend in interface.elements("backend") {
      for attribute in backend.attributes where attribute.name != "type" {
        add("<interface> with \(attribute.name) '\(attribute.value)'")
      }
    }
  }

  private mutating func searchCharacterDevice(_ device: XMLElement) {
    if device.name == "smartcard", device["mode"] != "passthrough" {
      add("<smartcard> of mode '\(device["mode"] ?? "")'")
      return
    }
    let sources = device.elements("source")
    let harmless = ["pty", "null", "vc", "spicevmc", "spiceport", "qemu-vdagent", "dbus"]
    let isAutomaticSocket =
      device["type"] == "unix" && device.name == "channel"
      && sources.allSatisfy { $0["path"].map(XMLElement.isGeneratedPath) ?? true }
      && sources.allSatisfy { $0["mode"] != "connect" }
    if !harmless.contains(device["type"] ?? ""), !isAutomaticSocket {
      let path = sources.compactMap { $0["path"] ?? $0["host"] }.first
      add("<\(device.name)> of type '\(device["type"] ?? "")'" + (path.map { " at '\($0)'" } ?? ""))
    }
    require(
      elementsOf: device,
      in: [
        "source", "target", "alias", "address", "protocol", "boot", "clipboard", "mouse", "acpi",
      ])
  }

  private mutating func searchGraphics(_ graphics: XMLElement) {
    require(graphics, "type", in: ["vnc", "spice", "rdp", "egl-headless"])
    let sockets = [graphics["socket"]] + graphics.elements("listen").map { $0["socket"] }
    for socket in sockets.compactMap({ $0 }) where !XMLElement.isGeneratedPath(socket) {
      add("<graphics> with '\(socket)'")
    }
  }

  private mutating func searchTPM(_ tpm: XMLElement) {
    for backend in tpm.elements("backend") {
      require(backend, "type", in: ["emulator"])
      require(elementsOf: backend, in: ["encryption", "active_pcr_banks", "profile"])
    }
  }

  private mutating func searchRNG(_ rng: XMLElement) {
    for backend in rng.elements("backend") {
      switch backend["model"] {
      case "builtin" where backend.text.isEmpty: break
      case "random" where ["", "/dev/urandom", "/dev/random"].contains(backend.text): break
      default: add("<rng> of '\(backend.text)'")
      }
    }
  }
}

extension String {
  /// Whether its first byte is a slash, to which as a character an accent may belong.
  fileprivate var startsAsPath: Bool { utf8.first == UInt8(ascii: "/") }
}
