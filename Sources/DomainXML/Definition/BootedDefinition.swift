// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The definition of a throw-away domain that shows whether a backup boots.
///
/// The domain is the recorded one without what reaches out of it: no network, no device, directory,
/// file or port of the host. A guest that powers off, reboots or crashes ends it.
package struct BootedDefinition: Sendable, Equatable {
  /// `<name>`, that of a helper domain.
  package var name: String
  /// `<uuid>`.
  package var uuid: String
  /// UUID of the partial that it works for.
  package var operation: String
  /// The client it ends with, in words of that client's choice.
  package var client: String
  /// The disks: thin images over those of the backup, and what each stands on.
  package var disks: [LayeredDefinition.Disk]
  /// Absolute path of the file for the variables of its firmware; nil where there is none.
  package var nvram: String?

  /// Makes the description of a throw-away domain.
  package init(
    name: String, uuid: String, operation: String, client: String,
    disks: [LayeredDefinition.Disk], nvram: String? = nil
  ) {
    self.name = name
    self.uuid = uuid
    self.operation = operation
    self.client = client
    self.disks = disks
    self.nvram = nvram
  }

  /// The facts of a recorded definition that tell how its guest starts.
  package struct Start: Sendable, Equatable {
    /// True if the guest has a channel for QEMU's agent, whose answer shows that it has started.
    package var hasAgentChannel: Bool
    /// True if QEMU loads the guest's kernel, so that the guest may start without reading a disk.
    package var hasKernel: Bool

    /// Reads it off a definition; of what is none nothing is known.
    package init(of text: String) {
      let root = try? XMLElement(parsing: text)
      hasAgentChannel = (root?.elements("devices") ?? []).flatMap { $0.elements("channel") }
        .contains { $0.element("target")?["name"] == BootedDefinition.agentChannel }
      hasKernel = root?.element("os")?.element("kernel") != nil
    }
  }

  /// The name by which QEMU's agent in a guest finds its channel.
  static let agentChannel = "org.qemu.guest_agent.0"

  /// Rewrites a recorded definition.
  ///
  /// - Parameter text: the recorded definition.
  /// - Returns: the definition, for `virDomainCreateXML`.
  /// - Throws: `DomainXMLError` where the text is no definition, or has not the disks.
  package func apply(to text: String) throws(DomainXMLError) -> String {
    guard Syntax.isHelperName(name), Syntax.isUUID(operation) else {
      throw .invalid("'\(name)' cannot name a helper domain")
    }
    let kept = Set(disks.map(\.target))
    let others = try DomainDefinition(parsing: text).disks.map(\.target).filter {
      !kept.contains($0)
    }
    let copy = try RestoredDefinition(
      disks: disks.map { .init(target: $0.target, source: .file($0.path), format: "qcow2") },
      removedDisks: Set(others), copy: .init(name: name, uuid: uuid)
    ).apply(to: text)
    var root = try XMLElement(parsing: LayeredDefinition(disks: disks).applied(to: copy))
    root.removeSurroundings()
    root.insert(
      XMLElement(
        "metadata", [:], [HelperDefinition.mark(operation: operation, client: client)]),
      after: "uuid")
    for event in ["on_poweroff", "on_reboot", "on_crash"] {
      root.insert(XMLElement(event, text: "destroy"), after: "os")
    }
    let isPC = ["x86_64", "i686"].contains(root.element("os")?.element("type")?["arch"] ?? "x86_64")
    root.forEachElement("os") { os in
      os.removeElements { $0.isNamed("bootmenu") || $0.isNamed("bios") }
      // The firmware resets a domain in which it finds nothing to boot from, which is heard of.
      if isPC { os.insert(XMLElement("bios", ["rebootTimeout": "0"]), after: "type") }
    }
    root.forEachElement("devices") { $0.becomeDevicesAlone() }
    let result = try root.xml() + "\n"
    return try nvram.map { path throws(DomainXMLError) in
      try RestoredDefinition.placingNVRAM(at: path, in: result)
    } ?? result
  }
}

extension XMLElement {
  /// Elements of a `<domain>` that say how it lives with others on its host, or who it is.
  private static let surroundings: Set = [
    "title", "description", "metadata", "memoryBacking", "memtune", "blkiotune", "cputune",
    "numatune", "resource", "on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "perf",
    "throttlegroups",
  ]

  /// Removes from a `<domain>` what is not the machine itself, and QEMU's own command line.
  fileprivate mutating func removeSurroundings() {
    removeElements { element in
      element.namespace != nil || Self.surroundings.contains(element.name)
        || element.isNamed("sysinfo") && element["type"] != "smbios"
    }
    forEachElement("vcpu") { $0["cpuset"] = nil }
  }

  /// Devices that a domain has with its host or with others.
  private static let shared: Set = [
    "interface", "hostdev", "redirdev", "redirfilter", "smartcard", "filesystem", "shmem", "vsock",
    "tpm", "sound", "audio", "lease", "graphics", "parallel", "crypto", "pstore",
  ]

  /// Removes from `<devices>` what reaches out of the domain.
  fileprivate mutating func becomeDevicesAlone() {
    removeElements { device in
      guard device.namespace == nil else { return true }
      switch device.name {
      case "channel":
        return device.element("target")?["name"] != BootedDefinition.agentChannel
      case "input": return ["passthrough", "evdev"].contains(device["type"])
      case "memory": return !["dimm", "virtio-mem"].contains(device["model"])
      case "rng": return !["random", "builtin"].contains(device.element("backend")?["model"])
      case let name: return Self.shared.contains(name)
      }
    }
    var hasScreen = false
    removeElements { device in
      guard device.isNamed("video") else { return false }
      defer { hasScreen = true }
      return hasScreen
    }
    forEachElement { device in
      switch device.name {
      case "disk": device.becomeThrownAway()
      case "serial", "console": device.becomeUnheard("pty")
      case "channel": device.becomeUnheard("unix")
      case "rng": device.forEachElement("backend") { $0.becomeOrdinaryRandom() }
      case "video": device.becomePlainScreen()
      // The action `dump` would write the guest's memory to a file.
      case "watchdog": if device["action"] == "dump" { device["action"] = "reset" }
      default: break
      }
    }
  }

  /// Gives a `<disk>` the cache of an image that nobody needs afterwards.
  private mutating func becomeThrownAway() {
    for name in ["transient", "shareable", "iotune", "throttlefilters"] { removeElements(name) }
    forEachElement("driver") { driver in
      driver["cache"] = "unsafe"
      driver["io"] = nil
    }
  }

  /// Leaves a character device with nobody at its other end.
  private mutating func becomeUnheard(_ type: String) {
    self["type"] = type
    for name in ["source", "log", "protocol"] { removeElements(name) }
  }

  private mutating func becomeOrdinaryRandom() {
    if self["model"] == "random" { children = [.text("/dev/urandom")] }
  }

  /// Makes a `<video>` one that needs no display on the host.
  private mutating func becomePlainScreen() {
    removeElements("driver")
    forEachElement("model") { model in
      if model["type"] == "qxl" { model.attributes = [] }
      if model["type"] == nil { model["type"] = "vga" }
      model.removeElements("acceleration")
    }
  }
}
