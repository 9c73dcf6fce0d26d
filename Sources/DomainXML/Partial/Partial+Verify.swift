// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// A look at a point: its volumes are read, or a domain runs on them.
  package struct Verify: Sendable, Equatable {
    /// UUID of the point.
    package var point: String
    /// Target names of the disks that are read with all they stand on; empty where the point's own
    /// volumes alone are read.
    package var disks: [String]
    /// Names of the volumes that are made for it and go with it.
    package var volumes: [String]

    /// Makes the description of a look at a point.
    package init(point: String, disks: [String] = [], volumes: [String] = []) {
      self.point = point
      self.disks = disks
      self.volumes = volumes
    }
  }

  /// The look at a point; nil for another operation.
  package var verify: Verify? {
    if case .verify(let verify) = operation { return verify }
    return nil
  }
}

extension Partial.Verify {
  /// Reads the `<verify>` of a partial.
  init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(point: try reader.required(attribute: "point").lowercased())
    disks = try Self.names(reader.all("disk"))
    volumes = try Self.names(reader.all("volume"))
    try reader.finish()
  }

  private static func names(_ elements: [XMLElement]) throws(DomainXMLError) -> [String] {
    var names: [String] = []
    for element in elements {
      var reader = try ElementReader(element)
      names.append(try reader.required(attribute: "name"))
      try reader.finish()
    }
    return names
  }

  /// The `<verify>` of a partial.
  var xmlElement: XMLElement {
    XMLElement(
      "verify", ["point": point],
      disks.map { XMLElement("disk", ["name": $0]) }
        + volumes.map { XMLElement("volume", ["name": $0]) })
  }

  /// Checks one that was read.
  func validate() throws(DomainXMLError) {
    guard Syntax.isUUID(point) else { throw .invalid("'point' is not a UUID") }
    try Partial.requireDistinct(disks, "disk")
    try Partial.requireDistinct(volumes, "volume")
    guard disks.allSatisfy(Syntax.isBackupName) else {
      throw .invalid("the operation names a disk of an impossible name")
    }
    guard volumes.allSatisfy(Syntax.isVolumeName) else {
      throw .invalid("the operation names a volume of an impossible name")
    }
  }
}
