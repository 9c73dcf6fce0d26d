// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// The image that a disk of an existing domain has before a restore replaces it.
  package struct ReplacedImage: Sendable, Equatable {
    /// Absolute path of its file; nil where it is none that a restore could delete.
    package var path: String?
    /// Whether it stays when the domain has the new one.
    package var isKept: Bool

    /// Makes the description of an image.
    package init(path: String?, isKept: Bool) {
      self.path = path
      self.isKept = isKept
    }
  }

  /// What a restore makes for one disk, or for the NVRAM.
  package struct RestoreDisk: Sendable, Equatable {
    /// The target name in the point, `vda`; `nvram` for the NVRAM, which no disk can be named.
    package var name: String
    /// Absolute path of the file until its data is whole.
    package var temporaryPath: String
    /// Absolute path of the file afterwards.
    package var path: String
    /// Whether it is no file but a block device, which is there before and afterwards.
    package var isDevice: Bool
    /// What the disk has until the domain is redefined; nil for a domain that does not exist.
    package var replaced: ReplacedImage?

    /// Makes the description of a disk's part in a restore.
    package init(
      name: String, temporaryPath: String, path: String, isDevice: Bool = false,
      replaced: ReplacedImage? = nil
    ) {
      self.name = name
      self.temporaryPath = temporaryPath
      self.path = path
      self.isDevice = isDevice
      self.replaced = replaced
    }
  }

  /// Where the state of a TPM goes, right before the domain is defined.
  package struct RestoredTPM: Sendable, Equatable {
    /// Name of the volume that has it.
    package var volume: String
    /// Absolute path of its file.
    package var path: String
    /// Whether a state that is there is kept beside it.
    package var keepsOld: Bool

    /// Makes the description of a TPM's part in a restore.
    package init(volume: String, path: String, keepsOld: Bool = false) {
      self.volume = volume
      self.path = path
      self.keepsOld = keepsOld
    }
  }

  /// A restore.
  package struct Restore: Sendable, Equatable {
    /// UUID of the point.
    package var point: String
    /// The disks, and the NVRAM.
    package var disks: [RestoreDisk]
    /// What will be defined in the end, if anything.
    package var definition: String?
    /// Whether the domain is started then.
    package var isStarted: Bool
    /// Whether it is started paused.
    package var isPaused: Bool
    /// The state of the TPM; nil where none is restored.
    package var tpm: RestoredTPM?
    /// Whether it goes on without its client.
    package var isAsync: Bool
    /// What the definition that is replaced then must still be, as a hash; nil where there is none,
    /// or where the client waits and remembers it.
    package var replacedDefinition: String?

    /// Makes the description of a restore.
    package init(
      point: String, disks: [RestoreDisk], definition: String?, isStarted: Bool,
      isPaused: Bool = false, tpm: RestoredTPM? = nil, isAsync: Bool = false,
      replacedDefinition: String? = nil
    ) {
      self.point = point
      self.disks = disks
      self.definition = definition
      self.isStarted = isStarted
      self.isPaused = isPaused
      self.tpm = tpm
      self.isAsync = isAsync
      self.replacedDefinition = replacedDefinition
    }
  }

  /// The restore; nil for another operation.
  package var restore: Restore? {
    if case .restore(let restore) = operation { return restore }
    return nil
  }
}

extension Partial.Restore {
  /// Reads the `<restore>` of a partial.
  init(
    _ element: XMLElement, _ inherited: [XMLElement.NamespaceDeclaration]
  ) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    var disks: [Partial.RestoreDisk] = []
    for element in reader.all("disk") {
      var disk = try ElementReader(element)
      disks.append(
        Partial.RestoreDisk(
          name: try disk.required(attribute: "name"),
          temporaryPath: try disk.required(attribute: "temporaryPath"),
          path: try disk.required(attribute: "path"),
          isDevice: try disk.choice("type", of: ["file", "block"]) == "block",
          replaced: try disk.element("replaced").map(Partial.ReplacedImage.init)))
      try disk.finish()
    }
    let domain = try reader.element("domain")?.declaring(inherited + element.declarations)
    self.init(
      point: try reader.required(attribute: "point").lowercased(), disks: disks,
      definition: try domain?.xml(), isStarted: try reader.flag("started"),
      isPaused: try reader.flag("paused"),
      tpm: try reader.element("tpm").map(Partial.RestoredTPM.init),
      isAsync: try reader.flag("async"),
      replacedDefinition: reader.attribute("replacedDefinition"))
    try reader.finish()
  }

  /// The `<restore>` of a partial.
  ///
  /// - Throws: `DomainXMLError` where the definition is no document.
  func xmlElement() throws(DomainXMLError) -> XMLElement {
    var elements = disks.map { disk in
      XMLElement(
        "disk",
        [
          "name": disk.name, "temporaryPath": disk.temporaryPath, "path": disk.path,
          "type": disk.isDevice ? "block" : nil,
        ], disk.replaced.map { [$0.xmlElement] } ?? [])
    }
    if let tpm { elements.append(tpm.xmlElement) }
    if let definition { elements.append(try XMLElement(parsing: definition)) }
    return XMLElement(
      "restore",
      [
        "point": point, "started": isStarted ? "yes" : "no", "paused": isPaused ? "yes" : nil,
        "async": isAsync ? "yes" : nil, "replacedDefinition": replacedDefinition,
      ], elements)
  }

  /// Checks a restore that was read.
  func validate() throws(DomainXMLError) {
    guard Syntax.isUUID(point) else { throw .invalid("'point' is not a UUID") }
    try Partial.requireDistinct(disks.map(\.name), "disk")
    try Partial.requireDistinct(disks.flatMap { Set([$0.path, $0.temporaryPath]) }, "path")
    let made = Set(disks.flatMap { [$0.path, $0.temporaryPath] })
    if let path = disks.compactMap({ $0.replaced?.path }).first(where: made.contains) {
      throw .invalid("the operation both makes and replaces '\(path)'")
    }
    for disk in disks {
      guard Syntax.isBackupName(disk.name) else {
        throw .invalid("'\(disk.name)' cannot name a disk")
      }
      guard Syntax.isAbsolutePath(disk.path), Syntax.isAbsolutePath(disk.temporaryPath),
        disk.replaced?.path.map(Syntax.isAbsolutePath) ?? true,
        !disk.isDevice || disk.path == disk.temporaryPath
      else { throw .invalid("disk '\(disk.name)' has an impossible path") }
    }
    try tpm?.validate()
    if let definition { _ = try DomainDefinition(parsing: definition) }
  }
}

extension Partial.RestoredTPM {
  /// Reads the `<tpm>` of a partial.
  init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(
      volume: try reader.required(attribute: "volume"),
      path: try reader.required(attribute: "path"), keepsOld: try reader.flag("keepsOld"))
    try reader.finish()
  }

  /// The `<tpm>` of a partial.
  var xmlElement: XMLElement {
    XMLElement(
      "tpm", ["volume": volume, "path": path, "keepsOld": keepsOld ? "yes" : nil])
  }

  /// Checks what was read.
  func validate() throws(DomainXMLError) {
    guard Syntax.isVolumeName(volume), Syntax.isAbsolutePath(path) else {
      throw .invalid("the state of the TPM has an impossible volume or path")
    }
  }
}

extension Partial.ReplacedImage {
  /// Reads the `<replaced>` of a disk.
  fileprivate init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(path: reader.attribute("path"), isKept: try reader.flag("kept"))
    try reader.finish()
  }

  fileprivate var xmlElement: XMLElement {
    XMLElement("replaced", ["path": path, "kept": isKept ? "yes" : "no"])
  }
}
