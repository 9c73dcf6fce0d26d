// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

/// How a recorded definition is turned into one that can be defined again.
package struct RestoredDefinition: Sendable, Equatable {
  /// A disk whose data was restored.
  package struct Disk: Sendable, Equatable {
    /// Its target name, `vda`.
    package var target: String
    /// Where its data is now: a file, a block device or a volume.
    package var source: DomainDefinition.Source
    /// The format it has there.
    package var format: String

    /// Makes the description of a restored disk.
    package init(target: String, source: DomainDefinition.Source, format: String) {
      self.target = target
      self.source = source
      self.format = format
    }
  }

  /// Who a copy beside the original is.
  package struct Copy: Sendable, Equatable {
    /// Its name.
    package var name: String
    /// Its UUID.
    package var uuid: String

    /// Makes the description of a copy.
    package init(name: String, uuid: String) {
      self.name = name
      self.uuid = uuid
    }
  }

  /// The disks whose source is replaced.
  package var disks: [Disk]
  /// Targets of disks that the result does not have.
  package var removedDisks: Set<String>
  /// The copy to make; nil to define the domain itself again.
  package var copy: Copy?

  /// Makes the description of a rewriting.
  package init(disks: [Disk], removedDisks: Set<String> = [], copy: Copy? = nil) {
    self.disks = disks
    self.removedDisks = removedDisks
    self.copy = copy
  }

  /// Rewrites a recorded definition.
  ///
  /// What only a running domain has is removed (`virDomainGetXMLDesc` without
  /// `VIR_DOMAIN_XML_INACTIVE` was recorded), as are all `<backingStore>`; sources are replaced.
  /// The generation id is made new, since the guest goes back in time. Disks that are neither
  /// given nor removed keep their source.
  ///
  /// A copy also gets new MAC addresses, and automatic ports, sockets, tap names and NVRAM, and has no
  /// policy.
  ///
  /// - Parameter text: the recorded definition.
  /// - Returns: the definition, for `virDomainDefineXML`.
  /// - Throws: `DomainXMLError` where the text is no definition, or has not the disks named.
  package func apply(to text: String) throws(DomainXMLError) -> String {
    var generator = SystemRandomNumberGenerator()
    return try apply(to: text, using: &generator)
  }

  /// Rewrites a recorded definition, with MAC addresses out of a given generator.
  ///
  /// - Parameters:
  ///   - text: the recorded definition.
  ///   - generator: where MAC addresses come from.
  /// - Returns: the definition, for `virDomainDefineXML`.
  /// - Throws: `DomainXMLError` where the text is no definition, or has not the disks named.
  package func apply(
    to text: String, using generator: inout some RandomNumberGenerator
  ) throws(DomainXMLError) -> String {
    var root = try XMLElement(parsing: text)
    let definition = try DomainDefinition(root)
    let targets = Set(definition.disks.map(\.target))
    guard targets.count == definition.disks.count else {
      throw .invalid("two disks of the definition have the same target")
    }
    for target in disks.map(\.target) + removedDisks where !targets.contains(target) {
      throw .invalid("the definition has no disk '\(target)'")
    }
    root.removeLiveState()
    try replaceDisks(in: &root)
    if let copy {
      guard Syntax.isUUID(copy.uuid), !copy.name.isEmpty, copy.name != definition.name,
        copy.uuid.lowercased() != definition.uuid
      else { throw .invalid("a copy needs a name and a UUID of its own") }
      root.become(copy, of: definition.name, using: &generator)
    }
    return try root.xml() + "\n"
  }

  /// Gives the definition of a domain that exists other sources for the disks, and changes nothing
  /// else but the generation id: the guest goes back in time.
  ///
  /// - Parameter text: the persistent definition.
  /// - Returns: the definition, for `virDomainDefineXML`.
  /// - Throws: `DomainXMLError` where the text is no definition, or has not the disks named.
  package func replaceSources(in text: String) throws(DomainXMLError) -> String {
    var root = try XMLElement(parsing: text)
    let targets = Set(try DomainDefinition(root).disks.map(\.target))
    for disk in disks where !targets.contains(disk.target) {
      throw .invalid("the definition has no disk '\(disk.target)'")
    }
    root.forEachElement("genid") { $0.children = [] }
    try replaceDisks(in: &root)
    return try root.xml() + "\n"
  }

  /// Gives a definition another file for the variables of its firmware.
  ///
  /// - Parameters:
  ///   - path: The absolute path of the file.
  ///   - text: The definition.
  /// - Returns: the definition, for `virDomainDefineXML`.
  /// - Throws: `DomainXMLError` where the text is no document, or the path is impossible.
  package static func placingNVRAM(
    at path: String, in text: String
  ) throws(DomainXMLError) -> String {
    guard Syntax.isAbsolutePath(path) else { throw .invalid("the NVRAM has an impossible path") }
    var root = try XMLElement(parsing: text)
    root.forEachElement("os") { $0.placeNVRAM(at: path) }
    return try root.xml() + "\n"
  }

  private func replaceDisks(in root: inout XMLElement) throws(DomainXMLError) {
    var sources: [String: (format: String, type: String, source: XMLElement)] = [:]
    for disk in disks {
      guard Syntax.isWord(disk.format) else {
        throw .invalid("format of disk '\(disk.target)' is not a word")
      }
      let (type, source) = try disk.source.xmlElement()
      guard sources.updateValue((disk.format, type, source), forKey: disk.target) == nil else {
        throw .invalid("disk '\(disk.target)' is restored twice")
      }
    }
    root.forEachElement("devices") { devices in
      devices.removeElements { $0.isNamed("disk") && removedDisks.contains($0.target) }
      devices.forEachElement("disk") { disk in
        guard let (format, type, source) = sources[disk.target] else { return }
        disk.replaceSource(type: type, source, format: format)
      }
    }
  }
}

extension XMLElement {
  /// The target name of a `<disk>`.
  fileprivate var target: String { element("target")?["dev"] ?? "" }

  /// Gives an `<os>` another file for the variables of its firmware.
  fileprivate mutating func placeNVRAM(at path: String) {
    if element("nvram") == nil { insert(XMLElement("nvram"), after: "loader") }
    forEachElement("nvram") { nvram in
      nvram["type"] = nil
      nvram.children = [.text(path)]
    }
  }

  /// Gives a `<disk>` another source.
  fileprivate mutating func replaceSource(type: String, _ source: XMLElement, format: String) {
    self["type"] = type
    // These describe how the old source was reached.
    for name in ["source", "auth", "encryption", "backingStore", "mirror"] { removeElements(name) }
    if type == "file", self["device"] == "lun" { self["device"] = "disk" }
    if self["device"] != "lun" {
      self["rawio"] = nil
      self["sgio"] = nil
    }
    if element("driver") == nil { insert(XMLElement("driver", ["name": "qemu"])) }
    forEachElement("driver") { driver in
      driver["type"] = format
      if format != "qcow2" { driver.removeElements("metadata_cache") }
      if driver.elements.isEmpty { driver.children = [] }
    }
    insert(source, after: "driver")
  }
}
