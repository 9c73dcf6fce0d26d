// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The search for what an untrusted definition must not have.
struct OffenderSearch {
  /// The domain's name, which libvirt's own path of its NVRAM holds.
  let domainName: String
  /// Targets of the disks whose sources will be replaced.
  let restoredDisks: Set<String>
  /// Path of the NVRAM that will be made; nil for none.
  let restoredNVRAM: String?
  /// The emulators that may be named.
  let emulators: Set<String>
  /// What was found, a line for people each.
  private(set) var offenders: [String] = []

  /// Starts a search.
  init(
    domainName: String, restoredDisks: Set<String>, restoredNVRAM: String?, emulators: Set<String>
  ) {
    self.domainName = domainName
    self.restoredDisks = restoredDisks
    self.restoredNVRAM = restoredNVRAM
    self.emulators = emulators
  }

  /// Notes an offender, once.
  mutating func add(_ offender: String) {
    if !offenders.contains(offender) { offenders.append(offender) }
  }

  /// Searches a `<domain>` element.
  mutating func search(_ root: XMLElement) {
    if !["kvm", "qemu"].contains(root["type"]) {
      add("domain of type '\(root["type"] ?? "")'")
    }
    var guest = root
    guest.removeElements("metadata")
    searchNamespaces(guest)
    for element in root.elements where element.namespace == nil {
      switch element.name {
      case "devices":
        for device in element.elements where device.namespace == nil { searchDevice(device) }
      case "os": searchOS(element)
      case "sysinfo": searchSystemInformation(element)
      case "memoryBacking": searchMemoryBacking(element)
      case "seclabel": searchSecurityLabel(element)
      case "resource": searchResource(element)
      case "blkiotune" where !element.elements("device").isEmpty:
        add("<blkiotune> of host devices")
      case let name where Self.harmlessElements.contains(name): break
      default: add("<\(element.name)>")
      }
    }
  }

  /// Elements of the root that say nothing of the host.
  private static let harmlessElements: Set = [
    "name", "uuid", "genid", "title", "description", "metadata", "memory", "currentMemory",
    "maxMemory", "vcpu", "vcpus", "iothreads", "iothreadids", "defaultiothread", "cputune",
    "numatune", "cpu", "clock", "on_poweroff", "on_reboot", "on_crash", "on_lockfailure", "pm",
    "features", "perf", "blkiotune", "memtune", "keywrap", "throttlegroups",
  ]

  /// Notes names with a namespace outside `<metadata>`: QEMU's command line, and attributes, which
  /// libvirt reads whatever their prefix is.
  private mutating func searchNamespaces(_ element: XMLElement) {
    if element.namespace != nil { add("<\(element.name)>") }
    for attribute in element.attributes where attribute.namespace != nil {
      add("attribute '\(attribute.name)' of <\(element.name)>")
    }
    for inner in element.elements { searchNamespaces(inner) }
  }

  private mutating func searchSystemInformation(_ element: XMLElement) {
    if element["type"] != "smbios" { add("<sysinfo> of type '\(element["type"] ?? "")'") }
    for entry in element.elements.flatMap({ [$0] + $0.elements }) {
      if let file = entry["file"] { add("<sysinfo> of file '\(file)'") }
    }
  }

  private mutating func searchMemoryBacking(_ element: XMLElement) {
    for inner in element.elements {
      switch inner.name {
      case "source" where !["anonymous", "memfd"].contains(inner["type"]):
        add("<memoryBacking> of type '\(inner["type"] ?? "")'")
      case "source", "hugepages", "nosharepages", "access", "allocation", "discard", "locked": break
      default: add("<\(inner.name)> in <memoryBacking>")
      }
    }
  }

  /// Notes a label that is not the one libvirt would generate.
  mutating func searchSecurityLabel(_ element: XMLElement) {
    let type = element["type"] ?? "dynamic"
    if type != "dynamic" || element["relabel"] == "no" || element.element("baselabel") != nil {
      add("<seclabel> of type '\(type)'")
    }
  }

  private mutating func searchResource(_ element: XMLElement) {
    for inner in element.elements where !(inner.name == "partition" && inner.text == "/machine") {
      add("<\(inner.name)> in <resource>")
    }
  }

  private mutating func searchOS(_ element: XMLElement) {
    for inner in element.elements {
      switch inner.name {
      case "type", "boot", "bootmenu", "smbios", "bios", "firmware": break
      case "loader" where inner.text.isEmpty || Self.isShared(inner.text): break
      case "nvram": searchNVRAM(inner)
      case "acpi" where inner.elements.isEmpty: break
      case "loader", "kernel", "initrd", "dtb": add("<\(inner.name)> '\(inner.text)'")
      default: add("<\(inner.name)> in <os>")
      }
    }
  }

  private mutating func searchNVRAM(_ element: XMLElement) {
    if let template = element["template"], !Self.isShared(template) {
      add("<nvram> template '\(template)'")
    }
    var paths = [element.text].filter { !$0.isEmpty }
    if let source = element.element("source") {
      if element["type"] != "file" || !source.elements.isEmpty {
        add("<nvram> of type '\(element["type"] ?? "")'")
      }
      paths.append(source["file"] ?? "")
    }
    let own = ["_VARS.fd", "_VARS.qcow2"].map { "/var/lib/libvirt/qemu/nvram/\(domainName)\($0)" }
    for path in paths
    where !own.contains(path) && !Self.isShared(path) && path != restoredNVRAM {
      add("<nvram> '\(path)'")
    }
  }

  /// Whether a path is of the files that packages install for everyone.
  private static func isShared(_ path: String) -> Bool {
    Syntax.isAbsolutePath(path) && path.hasPrefix("/usr/share/")
  }
}
