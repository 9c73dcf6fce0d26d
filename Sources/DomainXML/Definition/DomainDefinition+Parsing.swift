// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension DomainDefinition {
  /// Reads a definition: a document whose root is `<domain>`.
  ///
  /// `<name>`, `<uuid>` and the target of every `<disk>` must be there; what the engine does not
  /// need is not looked at.
  ///
  /// - Parameter text: the document, as `virDomainGetXMLDesc` gives it.
  /// - Throws: `DomainXMLError` where it is not such a document.
  package init(parsing text: String) throws(DomainXMLError) {
    try self.init(XMLElement(parsing: text))
  }

  /// Reads a `<domain>` element.
  init(_ root: XMLElement) throws(DomainXMLError) {
    guard root.isNamed("domain") else { throw .invalid("<\(root.name)> is not a <domain>") }
    guard let name = root.text(of: "name") else { throw .invalid("the domain has no name") }
    guard let uuid = root.text(of: "uuid"), Syntax.isUUID(uuid) else {
      throw .invalid("the domain has no valid UUID")
    }
    let devices = root.elements("devices")
    var disks: [Disk] = []
    for element in devices.flatMap({ $0.elements("disk") }) { disks.append(try Disk(element)) }
    let hasThreadedController = devices.flatMap { $0.elements("controller") }.contains {
      $0["type"] == "scsi" && $0.hasIOThread
    }
    for index in disks.indices where disks[index].bus == "scsi" && hasThreadedController {
      disks[index].hasIOThread = true
    }
    self.init(
      name: name, uuid: uuid.lowercased(), type: root["type"] ?? "",
      emulator: devices.lazy.compactMap { $0.text(of: "emulator") }.first,
      architecture: root.element("os")?.element("type")?["arch"],
      securityLabels: root.elements("seclabel").compactMap { label in
        label["model"].map {
          SecurityLabel(
            model: $0, label: label.text(of: "label"), imageLabel: label.text(of: "imagelabel"))
        }
      }, disks: disks, nvram: NVRAM(root.element("os")), tpm: TPM(devices),
      hasAgent: devices.flatMap { $0.elements("channel") }.flatMap { $0.elements("target") }
        .contains { $0["name"] == "org.qemu.guest_agent.0" && $0["state"] == "connected" })
  }
}

extension DomainDefinition.Disk {
  /// Reads a `<disk>` element.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    let target = element.element("target")
    guard let name = target?["dev"], !name.isEmpty else {
      throw .invalid("a disk of the domain has no target")
    }
    let source = element.element("source")
    var chain = [
      DomainDefinition.Image(
        source: .init(type: element["type"], source),
        format: element.element("driver")?["type"], index: source?["index"].flatMap { Int($0) })
    ]
    var next = element.element("backingStore")
    // An empty one says that the chain ends here.
    while let image = next, image["type"] != nil {
      let source = image.element("source")
      chain.append(
        DomainDefinition.Image(
          source: .init(type: image["type"], source), format: image.element("format")?["type"],
          index: (image["index"] ?? source?["index"]).flatMap { Int($0) }))
      next = image.element("backingStore")
    }
    self.init(
      target: name, bus: target?["bus"], device: element["device"] ?? "disk", chain: chain,
      isReadOnly: element.element("readonly") != nil,
      isTransient: element.element("transient") != nil,
      isShareable: element.element("shareable") != nil,
      isEncrypted: element.element("encryption") != nil || source?.element("encryption") != nil,
      alias: element.element("alias")?["name"])
    hasIOThread = element.hasIOThread
  }
}

extension XMLElement {
  /// Whether the `<driver>` of a disk or controller names threads of their own for it.
  fileprivate var hasIOThread: Bool {
    let driver = element("driver")
    return driver?["iothread"] != nil || driver?.element("iothreads") != nil
  }
}

extension DomainDefinition.Source {
  /// Reads a `<source>` by the `type` of the element it is in.
  fileprivate init(type: String?, _ source: XMLElement?) {
    switch type {
    case "file", nil:
      self = source?["file"].map { .file($0) } ?? .none
    case "block":
      self = source?["dev"].map { .block($0) } ?? .none
    case "volume":
      if let pool = source?["pool"], let name = source?["volume"] {
        self = .volume(pool: pool, name: name)
      } else {
        self = .none
      }
    case .some(let type):
      self = .other(type: type)
    }
  }
}
