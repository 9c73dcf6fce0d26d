// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The definition of a helper domain: a paused domain that only opens disks, so that its QEMU can
/// run block jobs on them.
package struct HelperDefinition: Sendable, Equatable {
  /// A disk that the helper opens.
  package struct Disk: Sendable, Equatable {
    /// Where a disk's images are.
    enum Content: Sendable, Equatable {
      /// The active layer first, then its backing files, all of them: nothing is probed.
      case chain([DomainDefinition.Image])
      /// As a domain's `<disk>` says.
      case copied(XMLElement)
    }

    var content: Content
    /// Whether it is opened read-only, which keeps a killed helper from leaving its bitmaps
    /// inconsistent.
    package var isReadOnly: Bool

    /// Makes the description of a disk of images we made.
    ///
    /// - Parameters:
    ///   - chain: The active layer first, then its backing files, all of them: nothing is probed.
    ///     Every image must have a format and be a file, a block device or a volume.
    ///   - isReadOnly: Whether it is opened read-only.
    package init(chain: [DomainDefinition.Image], isReadOnly: Bool = true) {
      content = .chain(chain)
      self.isReadOnly = isReadOnly
    }

    /// Makes the description of a disk of a domain: libvirt finds the images as it would for the
    /// domain itself.
    ///
    /// - Parameters:
    ///   - target: The disk's target name.
    ///   - definition: The domain's definition.
    ///   - isReadOnly: Whether it is opened read-only.
    /// - Throws: `DomainXMLError` where the definition has no such disk.
    package init(
      copying target: String, of definition: String, isReadOnly: Bool = true
    ) throws(DomainXMLError) {
      let root = try XMLElement(parsing: definition)
      guard
        let disk = root.elements("devices").flatMap({ $0.elements("disk") }).first(where: {
          $0.element("target")?["dev"] == target
        })
      else { throw .invalid("the domain has no disk '\(target)'") }
      content = .copied(disk)
      self.isReadOnly = isReadOnly
    }
  }

  /// Namespace of our marks in `<metadata>`.
  static let namespace = "https://virsh-backup/ns/1"

  /// `<name>`, `virsh-backup-` and 12 hex digits.
  package var name: String
  /// `<uuid>`.
  package var uuid: String
  /// UUID of the partial that the helper works for.
  package var operation: String
  /// The client it ends with, in words of that client's choice; nil where it goes on without one.
  package var client: String?
  /// `qemu` or `kvm`.
  package var type: String
  /// `arch` of `<os><type>`.
  package var architecture: String
  /// `<emulator>`; nil for libvirt's choice.
  package var emulator: String?
  /// The disks, which become `vda`, `vdb` and so on.
  package var disks: [Disk]

  /// Makes the description of a helper domain.
  package init(
    name: String, uuid: String, operation: String, client: String? = nil, type: String = "qemu",
    architecture: String = "x86_64", emulator: String? = nil, disks: [Disk]
  ) {
    self.name = name
    self.uuid = uuid
    self.operation = operation
    self.client = client
    self.type = type
    self.architecture = architecture
    self.emulator = emulator
    self.disks = disks
  }

  /// The target name of the disk at an index, counted from 0: `vda` to `vdz`, then `vdaa`.
  package static func target(at index: Int) -> String {
    var letters = ""
    var rest = index
    repeat {
      letters = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(rest % 26))) + letters
      rest = rest / 26 - 1
    } while rest >= 0
    return "vd" + letters
  }

  /// Writes the definition as a document.
  ///
  /// - Returns: the document, for `virDomainCreateXML`.
  /// - Throws: `DomainXMLError` where a name, a UUID, a path or a format is impossible.
  package func xml() throws(DomainXMLError) -> String {
    guard Syntax.isHelperName(name) else { throw .invalid("'\(name)' cannot name a helper domain") }
    guard Syntax.isUUID(uuid), Syntax.isUUID(operation) else {
      throw .invalid("a helper domain needs valid UUIDs")
    }
    guard ["qemu", "kvm"].contains(type), Syntax.isWord(architecture) else {
      throw .invalid("a helper domain cannot be of type '\(type)' and '\(architecture)'")
    }
    guard emulator.map(Syntax.isAbsolutePath) ?? true else {
      throw .invalid("the emulator is not an absolute path")
    }
    var devices = emulator.map { [XMLElement("emulator", text: $0)] } ?? []
    for (index, disk) in disks.enumerated() {
      devices.append(try disk.xmlElement(target: Self.target(at: index)))
    }
    devices.append(XMLElement("controller", ["type": "usb", "model": "none"]))
    devices.append(XMLElement("memballoon", ["model": "none"]))
    let machine = architecture == "x86_64" ? "q35" : nil
    return try XMLElement(
      "domain", ["type": type],
      [
        XMLElement("name", text: name),
        XMLElement("uuid", text: uuid),
        XMLElement("metadata", [:], [mark]),
        XMLElement("memory", text: "1", ["unit": "MiB"]),
        XMLElement("vcpu", text: "1"),
        XMLElement(
          "os", [:], [XMLElement("type", text: "hvm", ["arch": architecture, "machine": machine])]),
        XMLElement("on_poweroff", text: "destroy"),
        XMLElement("on_reboot", text: "destroy"),
        XMLElement("on_crash", text: "destroy"),
        XMLElement("devices", [:], devices),
      ]
    ).document()
  }

  /// Reads the mark of a helper domain.
  ///
  /// - Parameter text: a domain's definition.
  /// - Returns: UUID of the partial the domain works for, lower case; nil where it is not a helper
  ///   domain of ours.
  /// - Throws: `DomainXMLError` where the text is no document.
  package static func operation(in text: String) throws(DomainXMLError) -> String? {
    guard let uuid = try mark(in: text)?.text, Syntax.isUUID(uuid) else { return nil }
    return uuid.lowercased()
  }

  /// Reads which client a helper domain ends with.
  ///
  /// - Parameter text: a domain's definition.
  /// - Returns: what the client said of itself; nil where it goes on without one, and where it is not a
  ///   helper domain of ours.
  /// - Throws: `DomainXMLError` where the text is no document.
  package static func client(in text: String) throws(DomainXMLError) -> String? {
    try mark(in: text)?["client"]
  }

  private static func mark(in text: String) throws(DomainXMLError) -> XMLElement? {
    try XMLElement(parsing: text).elements("metadata").flatMap(\.elements).first(where: isMark)
  }

  /// Whether an element of `<metadata>` is the mark of a helper domain.
  static func isMark(_ element: XMLElement) -> Bool {
    element.namespace == namespace && element.localName == "operation"
  }

  private var mark: XMLElement {
    var mark = XMLElement("vb:operation", text: operation, ["client": client])
    mark.namespace = Self.namespace
    mark.declarations = [.init(prefix: "vb", uri: Self.namespace)]
    return mark
  }
}

extension HelperDefinition.Disk {
  /// The disk as an element.
  fileprivate func xmlElement(target: String) throws(DomainXMLError) -> XMLElement {
    switch content {
    case .chain(let chain): return try xmlElement(target: target, chain: chain)
    case .copied(let disk): return xmlElement(target: target, disk: disk)
    }
  }

  /// What the helper needs of a domain's disk to open it, and nothing of how its guest sees it.
  private func xmlElement(target: String, disk: XMLElement) -> XMLElement {
    let driver = disk.element("driver")
    var source = disk.element("source") ?? XMLElement("source")
    source["index"] = nil
    var children = [
      XMLElement("driver", ["name": "qemu", "type": driver?["type"] ?? "raw"]), source,
    ]
    children += disk.elements("backingStore") + disk.elements("encryption")
    children.append(XMLElement("target", ["dev": target, "bus": "virtio"]))
    if isReadOnly { children.append(XMLElement("readonly")) }
    return XMLElement("disk", ["type": disk["type"], "device": "disk"], children)
  }

  private func xmlElement(
    target: String, chain: [DomainDefinition.Image]
  ) throws(DomainXMLError) -> XMLElement {
    guard let top = chain.first, let format = top.format, Syntax.isWord(format) else {
      throw .invalid("a disk of a helper domain needs an image of a known format")
    }
    var backing = XMLElement("backingStore")
    for image in chain.dropFirst().reversed() {
      guard let format = image.format, Syntax.isWord(format) else {
        throw .invalid("every image of a helper domain needs a format")
      }
      let (type, source) = try image.source.xmlElement()
      backing = XMLElement(
        "backingStore", ["type": type], [XMLElement("format", ["type": format]), source, backing])
    }
    let (type, source) = try top.source.xmlElement()
    return XMLElement(
      "disk", ["type": type, "device": "disk"],
      [
        XMLElement("driver", ["name": "qemu", "type": format]), source, backing,
        XMLElement("target", ["dev": target, "bus": "virtio"]),
      ] + (isReadOnly ? [XMLElement("readonly")] : []))
  }
}

extension DomainDefinition.Source {
  /// The `type` of the element the source is in, and its `<source>`.
  func xmlElement() throws(DomainXMLError) -> (type: String, source: XMLElement) {
    switch self {
    case .file(let path) where Syntax.isAbsolutePath(path):
      return ("file", XMLElement("source", ["file": path]))
    case .block(let path) where Syntax.isAbsolutePath(path):
      return ("block", XMLElement("source", ["dev": path]))
    case .volume(let pool, let name):
      return ("volume", XMLElement("source", ["pool": pool, "volume": name]))
    case .file, .block: throw .invalid("the path of an image is not absolute")
    case .other(let type): throw .invalid("an image of type '\(type)' cannot be given")
    case .none: throw .invalid("an image without a source cannot be given")
    }
  }
}
