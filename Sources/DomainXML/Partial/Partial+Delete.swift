// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

extension Partial {
  /// A point that a delete removes, or some of whose disks.
  package struct DeletePoint: Sendable, Equatable {
    /// The point's UUID.
    package var uuid: String
    /// The point's name; nil where an earlier version wrote it.
    package var name: String?
    /// Name of its manifest volume.
    package var manifest: String
    /// Names of its volumes that go.
    package var volumes: [String]
    /// Whether it stays with its other disks: its manifest is among those that are rewritten.
    package var isKept: Bool

    /// Makes the description of a point to delete.
    package init(
      uuid: String, name: String? = nil, manifest: String, volumes: [String], isKept: Bool = false
    ) {
      self.uuid = uuid
      self.name = name
      self.manifest = manifest
      self.volumes = volumes
      self.isKept = isKept
    }
  }

  /// A volume that takes over what it needs of others that are deleted.
  package struct DeleteMerge: Sendable, Equatable {
    /// UUID of the point that stays.
    package var point: String
    /// The target name of its disk, `vda`.
    package var disk: String
    /// Name of the disk's volume.
    package var volume: String
    /// UUID of the point on which the disk stands before; nil where an earlier version wrote it, which
    /// deleted one point at a time.
    package var parent: String?
    /// Name of the volume that will be its backing file; nil for none.
    package var backing: String?

    /// Makes the description of a merge.
    package init(
      point: String, disk: String, volume: String, parent: String? = nil, backing: String?
    ) {
      self.point = point
      self.disk = disk
      self.volume = volume
      self.parent = parent
      self.backing = backing
    }
  }

  /// A delete.
  package struct Delete: Sendable, Equatable {
    /// The points, in the order in which they go.
    package var points: [DeletePoint]
    /// What is merged before they go.
    package var merges: [DeleteMerge]
    /// The manifests of the points that stand on them, and of those that stay with other disks, as
    /// they will be.
    ///
    /// A volume cannot be replaced in one step: while such a manifest is rewritten it is here.
    package var manifests: [Manifest]

    /// Makes the description of a delete.
    package init(points: [DeletePoint], merges: [DeleteMerge] = [], manifests: [Manifest] = []) {
      self.points = points
      self.merges = merges
      self.manifests = manifests
    }

    /// UUID of the point on which a disk stands before it is merged.
    package func parent(of merge: DeleteMerge) -> String {
      merge.parent ?? points.first?.uuid ?? ""
    }
  }
}

extension Partial {
  /// The delete; nil for another operation.
  package var delete: Delete? {
    if case .delete(let delete) = operation { return delete }
    return nil
  }
}

extension Partial.Delete {
  /// Reads the `<delete>` of a partial.
  init(
    _ element: XMLElement, _ inherited: [XMLElement.NamespaceDeclaration]
  ) throws(DomainXMLError) {
    var reader = try ElementReader(element)
    self.init(points: [])
    for element in reader.all("point") {
      var point = try ElementReader(element)
      var volumes: [String] = []
      for element in point.all("volume") {
        var volume = try ElementReader(element)
        volumes.append(try volume.required(attribute: "name"))
        try volume.finish()
      }
      points.append(
        Partial.DeletePoint(
          uuid: try point.required(attribute: "uuid").lowercased(),
          name: point.attribute("name"), manifest: try point.required(attribute: "manifest"),
          volumes: volumes,
          isKept: try point.flag("kept")))
      try point.finish()
    }
    for element in reader.all("merge") {
      var merge = try ElementReader(element)
      merges.append(
        Partial.DeleteMerge(
          point: try merge.required(attribute: "point").lowercased(),
          disk: try merge.required(attribute: "disk"),
          volume: try merge.required(attribute: "volume"),
          parent: merge.attribute("parent")?.lowercased(), backing: merge.attribute("backing")))
      try merge.finish()
    }
    for manifest in reader.all("backup") {
      let whole = manifest.declaring(inherited + element.declarations)
      manifests.append(try Manifest(parsing: whole.document()))
    }
    try reader.finish()
  }

  /// The `<delete>` of a partial.
  func xmlElement() throws(DomainXMLError) -> XMLElement {
    var elements = points.map { point in
      XMLElement(
        "point",
        [
          "uuid": point.uuid, "name": point.name, "manifest": point.manifest,
          "kept": point.isKept ? "yes" : nil,
        ],
        point.volumes.map { XMLElement("volume", ["name": $0]) })
    }
    elements += merges.map { merge in
      XMLElement(
        "merge",
        [
          "point": merge.point, "disk": merge.disk, "volume": merge.volume,
          "parent": merge.parent, "backing": merge.backing,
        ])
    }
    for manifest in manifests {
      elements.append(
        XMLElement("backup", ["version": String(Manifest.version)], try manifest.xmlElements()))
    }
    return XMLElement("delete", [:], elements)
  }

  /// Checks a delete that was read.
  func validate() throws(DomainXMLError) {
    guard !points.isEmpty else { throw .invalid("the delete names no backups") }
    try Partial.requireDistinct(
      points.filter { !$0.isKept }.map(\.uuid) + manifests.map(\.uuid), "backup")
    for point in points where point.isKept {
      guard manifests.contains(where: { $0.uuid == point.uuid }) else {
        throw .invalid("a backup that stays with other disks has no manifest")
      }
    }
    try Partial.requireDistinct(
      points.flatMap { [$0.manifest] + $0.volumes } + merges.map(\.volume), "volume")
    for point in points {
      guard Syntax.isUUID(point.uuid) else { throw .invalid("'uuid' is not a UUID") }
      guard point.name.map(Syntax.isBackupName) ?? true else {
        throw .invalid("the delete names a backup of an impossible name")
      }
      guard ([point.manifest] + point.volumes).allSatisfy(Syntax.isVolumeName) else {
        throw .invalid("the delete names a volume of an impossible name")
      }
    }
    for merge in merges {
      guard
        let disk = manifests.first(where: { $0.uuid == merge.point })?.disks.first(where: {
          $0.name == merge.disk
        }), disk.volume.name == merge.volume, merge.backing.map(Syntax.isVolumeName) ?? true,
        merge.parent.map({ parent in points.contains { $0.uuid == parent } }) ?? true
      else { throw .invalid("a merge of disk '\(merge.disk)' is not of a backup that stays") }
    }
  }
}
