// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// A disk of a live restore.
  package struct LiveRestoreDisk: Sendable, Equatable {
    /// The target name, `vda`.
    package var name: String
    /// Absolute path of the image the domain runs on.
    package var path: String
    /// Names of the volumes it stands on until all is pulled, the nearest first.
    package var backing: [String]

    /// Makes the description of a disk.
    package init(name: String, path: String, backing: [String]) {
      self.name = name
      self.path = path
      self.backing = backing
    }
  }

  /// A live restore: the domain of the partial runs on images that stand on a point's volumes, and
  /// pulls the data out of these.
  package struct LiveRestore: Sendable, Equatable {
    /// UUID of the point.
    package var point: String
    /// The disks.
    package var disks: [LiveRestoreDisk]
    /// Absolute path of the NVRAM, which is whole before the domain is defined; nil where none is
    /// restored.
    package var nvram: String?
    /// The state of the TPM; nil where none is restored.
    package var tpm: RestoredTPM?

    /// Makes the description of a live restore.
    package init(
      point: String, disks: [LiveRestoreDisk], nvram: String? = nil, tpm: RestoredTPM? = nil
    ) {
      self.point = point
      self.disks = disks
      self.nvram = nvram
      self.tpm = tpm
    }
  }

  /// The live restore; nil for another operation.
  package var liveRestore: LiveRestore? {
    if case .live(let live) = operation { return live }
    return nil
  }
}

extension Partial.LiveRestore {
  /// Reads the `<live>` of a partial.
  init(_ element: XMLElement) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    var disks: [Partial.LiveRestoreDisk] = []
    for element in reader.all("disk") {
      var disk = try ElementReader(element)
      var backing: [String] = []
      for element in disk.all("volume") {
        var volume = try ElementReader(element)
        backing.append(try volume.required(attribute: "name"))
        try volume.finish()
      }
      disks.append(
        Partial.LiveRestoreDisk(
          name: try disk.required(attribute: "name"), path: try disk.required(attribute: "path"),
          backing: backing))
      try disk.finish()
    }
    self.init(
      point: try reader.required(attribute: "point").lowercased(), disks: disks,
      nvram: reader.attribute("nvram"), tpm: try reader.element("tpm").map(Partial.RestoredTPM.init)
    )
    try reader.finish()
  }

  /// The `<live>` of a partial.
  var xmlElement: XMLElement {
    XMLElement(
      "live", ["point": point, "nvram": nvram],
      disks.map { disk in
        XMLElement(
          "disk", ["name": disk.name, "path": disk.path],
          disk.backing.map { XMLElement("volume", ["name": $0]) })
      } + (tpm.map { [$0.xmlElement] } ?? []))
  }

  /// Checks a live restore that was read.
  func validate() throws(DomainXMLError) {
    guard Syntax.isUUID(point) else { throw .invalid("'point' is not a UUID") }
    guard !disks.isEmpty else { throw .invalid("the live restore has no disks") }
    try Partial.requireDistinct(disks.map(\.name), "disk")
    try Partial.requireDistinct(disks.map(\.path) + [nvram].compactMap(\.self), "path")
    guard nvram.map(Syntax.isAbsolutePath) ?? true else {
      throw .invalid("the NVRAM has an impossible path")
    }
    try tpm?.validate()
    for disk in disks {
      guard Syntax.isBackupName(disk.name) else {
        throw .invalid("'\(disk.name)' cannot name a disk")
      }
      guard Syntax.isAbsolutePath(disk.path) else {
        throw .invalid("disk '\(disk.name)' has an impossible path")
      }
      guard !disk.backing.isEmpty, disk.backing.allSatisfy(Syntax.isVolumeName) else {
        throw .invalid("disk '\(disk.name)' stands on volumes of impossible names")
      }
    }
  }
}
