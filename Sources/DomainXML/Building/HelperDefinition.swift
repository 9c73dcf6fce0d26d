// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// The definition of a helper domain: a paused domain that only opens disks, so that its QEMU can
/// run block jobs on them.
package struct HelperDefinition: Sendable, Equatable {
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
  /// The disks; ``targets(of:)`` tells what becomes of them.
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
    devices += try diskElements()
    // One of these has room for more disks than a QEMU can have files open.
    devices.append(
      XMLElement("controller", ["type": "scsi", "index": "0", "model": "virtio-scsi"]))
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

  private var mark: XMLElement { Self.mark(operation: operation, client: client) }

  /// The mark of a domain that works for an operation, and ends with a client.
  static func mark(operation: String, client: String?) -> XMLElement {
    var mark = XMLElement("vb:operation", text: operation, ["client": client])
    mark.namespace = namespace
    mark.declarations = [.init(prefix: "vb", uri: namespace)]
    return mark
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
