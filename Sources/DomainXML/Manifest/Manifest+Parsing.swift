// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Manifest {
  /// The version of the format this program writes, and the highest it reads.
  static let version = 1

  /// Reads a manifest.
  ///
  /// ``domainXML``, ``inactiveDomainXML`` and ``unknownElements`` come in the form that writing them
  /// gives. Unknown elements of the root are kept; what is unknown elsewhere is refused, as is a
  /// partial.
  ///
  /// - Parameter text: the document.
  /// - Throws: `DomainXMLError`, with the reason `newerVersion` where the document is of a later
  ///   version.
  package init(parsing text: String) throws(DomainXMLError) {
    let root = try XMLElement(parsing: text)
    var reader = try Self.reader(of: root)
    guard try reader.element("operation") == nil else {
      throw .invalid("the document describes an operation under way, not a backup")
    }
    try self.init(root, &reader)
  }

  /// Checks root and version of a manifest or partial, and starts to read it.
  static func reader(of root: XMLElement) throws(DomainXMLError) -> ElementReader {
    guard root.isNamed("backup") else { throw .invalid("<\(root.name)> is not a <backup>") }
    guard let text = root["version"], let version = Syntax.number(text), version > 0,
      let version = Int(exactly: version)
    else { throw .invalid("the backup has no valid version") }
    guard version <= Self.version else {
      throw DomainXMLError(
        reason: .newerVersion(version),
        message: "the backup is of version \(version), which needs a newer program")
    }
    var reader = try ElementReader(root)
    _ = reader.attribute("version")
    try reader.finishAttributes()
    return reader
  }

  /// Reads the manifest's elements out of the root of a manifest or partial.
  init(_ root: XMLElement, _ reader: inout ElementReader) throws(DomainXMLError) {
    let inherited = root.declarations
    let name = try reader.required(text: "name")
    let uuid = try reader.required(text: "uuid")
    let chain = try reader.required(text: "chain")
    let sequence = try Self.number(reader.required(text: "sequence"), "sequence")
    let time = try Self.number(reader.required(text: "creationTime"), "creationTime")
    let description = try reader.text("description")
    var isProtected = false
    if let element = try reader.element("protected") {
      try ElementReader(element).finish()
      isProtected = true
    }
    let parent = try reader.text("parent")
    let word = try reader.required(text: "consistency")
    guard let consistency = Consistency(rawValue: word) else {
      throw .invalid("unknown consistency '\(word)'")
    }
    let autostart = try reader.text("autostart")
    guard [nil, "yes", "no"].contains(autostart) else {
      throw .invalid("<autostart> is neither 'yes' nor 'no'")
    }
    var host: HostIdentity?
    if let element = try reader.element("host") { host = try HostIdentity(element) }
    let disks = try Self.disks(reader.required("disks"))
    let nvram = try reader.element("nvram").map(State.init)
    let tpm = try reader.element("tpm").map(State.init)
    let information = try Self.information(reader.element("guestInfo"))
    let images = try Self.images(reader.element("images"))
    let domain = try reader.required("domain").declaring(inherited)
    let definition = try DomainDefinition(domain)
    let inactive = try Self.inactiveDomain(reader.element("inactiveDomain"), inherited)
    var unknown: [String] = []
    for element in reader.elements { unknown.append(try element.declaring(inherited).xml()) }
    self.init(
      name: name, uuid: uuid.lowercased(), chain: chain.lowercased(), sequence: Int(sequence),
      creationTime: Int64(time), description: description, parent: parent?.lowercased(),
      consistency: consistency, isAutostart: autostart.map { $0 == "yes" }, disks: disks,
      nvram: nvram,
      tpm: tpm, domainName: definition.name, domainUUID: definition.uuid,
      domainXML: try domain.xml(),
      inactiveDomainXML: try inactive?.xml(), unknownElements: unknown)
    guestInformation = information
    self.host = host
    self.isProtected = isProtected
    for index in self.disks.indices {
      guard let image = images[self.disks[index].volume.name] else { continue }
      self.disks[index].volume.length = image.length
      self.disks[index].volume.clusters = image.clusters
    }
    try validate()
  }

  /// Reads a number that fits in all the signed integers it may end up in.
  static func number(_ text: String, _ what: String) throws(DomainXMLError) -> UInt64 {
    guard let number = Syntax.number(text), number <= UInt64(Int64.max) else {
      throw .invalid("'\(what)' is not a number in range")
    }
    return number
  }

  private static func inactiveDomain(
    _ element: XMLElement?, _ inherited: [XMLElement.NamespaceDeclaration]
  ) throws(DomainXMLError) -> XMLElement? {
    guard let element else { return nil }
    var reader = try ElementReader(element)
    let domain = try reader.required("domain")
    try reader.finish()
    return domain.declaring(inherited + element.declarations)
  }

  private static func information(
    _ element: XMLElement?
  ) throws(DomainXMLError) -> [String: String] {
    guard let element else { return [:] }
    var reader = try ElementReader(element)
    var information: [String: String] = [:]
    for element in reader.all("info") {
      var info = try ElementReader(element)
      information[try info.required(attribute: "name")] = try info.required(attribute: "value")
      try info.finish()
    }
    try reader.finish()
    return information
  }

  /// What is noted of images, by their volumes.
  ///
  /// It is in an element of its own, which earlier versions keep and do not read.
  private static func images(
    _ element: XMLElement?
  ) throws(DomainXMLError) -> [String: (length: UInt64?, clusters: UInt64?)] {
    guard let element else { return [:] }
    var reader = try ElementReader(element)
    var images: [String: (length: UInt64?, clusters: UInt64?)] = [:]
    for element in reader.all("image") {
      var image = try ElementReader(element)
      let volume = try image.required(attribute: "volume")
      var length: UInt64?
      var clusters: UInt64?
      if let text = image.attribute("length") { length = try number(text, "length") }
      if let text = image.attribute("clusters") { clusters = try number(text, "clusters") }
      images[volume] = (length, clusters)
      try image.finish()
    }
    try reader.finish()
    return images
  }

  private static func disks(_ element: XMLElement) throws(DomainXMLError) -> [Disk] {
    var reader = try ElementReader(element)
    var disks: [Disk] = []
    for disk in reader.all("disk") { disks.append(try self.disk(disk)) }
    try reader.finish()
    return disks
  }

  private static func disk(_ element: XMLElement) throws(DomainXMLError) -> Disk {
    var reader = try ElementReader(element)
    let word = try reader.required(attribute: "mode")
    guard let mode = Mode(rawValue: word) else { throw .invalid("unknown mode '\(word)'") }
    let disk = Disk(
      name: try reader.required(attribute: "name"), mode: mode,
      parent: reader.attribute("parent")?.lowercased(),
      isDifferential: try reader.flag("differential"),
      reasonCode: reader.attribute("reasonCode"), reason: reader.attribute("reason"),
      capacity: try number(reader.required(attribute: "capacity"), "capacity"),
      format: try reader.required(attribute: "format"),
      volume: try Volume(reader.required("volume")))
    try reader.finish()
    return disk
  }
}

extension Manifest.State {
  /// Reads the `<nvram>` or `<tpm>` of a manifest.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(
      capacity: try Manifest.number(reader.required(attribute: "capacity"), "capacity"),
      volume: try Manifest.Volume(reader.required("volume")))
    try reader.finish()
  }
}

extension Manifest.Volume {
  /// Reads a `<volume>`.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(
      name: try reader.required(attribute: "name"),
      size: try Manifest.number(reader.required(attribute: "size"), "size"))
    try reader.finish()
  }
}
