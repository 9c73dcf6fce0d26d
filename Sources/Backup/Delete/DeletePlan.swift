// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// A delete as a value: which disks go, which images take over data before, which manifests change.
///
/// The plan is made from the pool and the request alone, so that it can be made again, and
/// compared, once the delete is written down.
struct DeletePlan: Equatable {
  /// The points of which something goes, in the order in which they go: those that stand on others
  /// first.
  var doomed: [Point] = []
  /// The same, and what becomes of the rest, as it is written down.
  var delete = Partial.Delete(points: [])
  /// The runs of images that go, one for each of the merges and in their order.
  var runs: [MergeRun] = []

  /// Decides what a delete does.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - catalog: The pool.
  /// - Throws: ``BackupError`` where the chain of a point that stays is broken, or merging would
  ///   change what it holds.
  init(_ request: DeleteRequest, in catalog: Catalog) throws {
    doomed = Self.doomed(request, in: catalog)
    guard let domainUUID = doomed.first?.manifest.domainUUID else { return }
    let removed = Removed(doomed, disks: request.disks)
    delete.points = doomed.map { point in
      let rest = catalog.rest(of: point, without: removed)?.volumes ?? []
      return .init(
        uuid: point.manifest.uuid, name: point.manifest.name, manifest: point.manifestVolume,
        volumes: point.manifest.volumes.filter { !rest.contains($0) }.map(\.name),
        isKept: !rest.isEmpty)
    }
    for child in catalog.points(of: domainUUID) {
      var manifest = child.manifest
      for place in manifest.disks.indices
      where !removed.contains(child, manifest.disks[place].name) {
        guard let run = try MergeRun(child, disk: place, removed: removed, catalog: catalog) else {
          continue
        }
        runs.append(run)
        manifest.disks[place].takeOver(run)
      }
      guard manifest != child.manifest else { continue }
      manifest.parent = catalog.newestParent(of: manifest)
      delete.manifests.append(manifest)
    }
    delete.merges = runs.map(\.merge)
    // The rests of the doomed points follow, those that stand on others first.
    delete.manifests += doomed.compactMap { catalog.rest(of: $0, without: removed) }
  }

  /// The points of which something goes.
  private static func doomed(_ request: DeleteRequest, in catalog: Catalog) -> [Point] {
    let named = Set(request.points.map(\.manifest.uuid))
    let descendants = Set(
      request.scope == .point
        ? [] : named.flatMap { catalog.descendants(of: $0) }.map(\.manifest.uuid))
    let chosen =
      switch request.scope {
      case .point: named
      case .withChildren: named.union(descendants)
      case .childrenOnly: descendants.subtracting(named)
      }
    let points = catalog.points.filter { point in
      guard chosen.contains(point.manifest.uuid) else { return false }
      return request.disks?.contains(where: point.has) ?? true
    }
    return points.reversed()
  }

  /// Lists what went of each point, to tell the user once the delete is done.
  func deleted(_ request: DeleteRequest) -> [Deleted] {
    zip(doomed, delete.points).map { point, gone in
      let disks = point.manifest.disks.map(\.name).filter { request.disks?.contains($0) ?? true }
      return Deleted(point: point.manifest.name, disks: gone.isKept ? disks : nil)
    }
  }
}

/// The points of which something goes, and the disks of them that do.
struct Removed: Equatable {
  private var points: Set<String>
  private var disks: Set<String>?

  /// Takes points, and the disks of them that go; nil for all.
  init(_ points: [Point], disks: Set<String>?) {
    self.points = Set(points.map(\.manifest.uuid))
    self.disks = disks
  }

  /// Tells that a disk goes, of the point of that UUID.
  func contains(_ point: String, _ disk: String) -> Bool {
    points.contains(point) && disks?.contains(disk) ?? true
  }

  /// Tells that a disk of a point goes.
  func contains(_ point: Point, _ disk: String) -> Bool { contains(point.manifest.uuid, disk) }

  /// True where the user named no disks: the NVRAM, the TPM's state and all else go too.
  var takesStates: Bool { disks == nil }
}

extension Catalog {
  /// UUID of the newest point that a disk of a point stands on.
  func newestParent(of manifest: Manifest) -> String? {
    let parents = Set(manifest.disks.compactMap(\.parent))
    return points(of: manifest.domainUUID).last { parents.contains($0.manifest.uuid) }?
      .manifest.uuid
  }

  /// Makes the manifest of a point without the disks that go; nil where nothing of it is left.
  func rest(of point: Point, without removed: Removed) -> Manifest? {
    guard !removed.takesStates else { return nil }
    var manifest = point.manifest
    manifest.disks.removeAll { removed.contains(point, $0.name) }
    manifest.parent = newestParent(of: manifest)
    return manifest.disks.isEmpty ? nil : manifest
  }
}
