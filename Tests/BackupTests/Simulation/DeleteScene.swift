// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

@testable import Backup
@testable import BackupCore

/// A pool with points of a domain with two disks, which stand on each other: `a` to `d` in a row, and `e`
/// on `b` with one disk.
///
/// Each disk of each point has labelled clusters, some of which hide those below.
struct DeleteScene: MachineScene {
  /// A disk of a point: what it stands on, and the clusters that it has of its own.
  private typealias Layer = (parent: String?, clusters: [Int])
  private static let points: [(name: String, disks: [String: Layer])] = [
    ("a", ["vda": (nil, [0, 1, 2, 3, 4]), "vdb": (nil, [0, 1])]),
    ("b", ["vda": ("a", [0, 1, 5]), "vdb": ("a", [1])]),
    ("c", ["vda": ("b", [0, 2]), "vdb": ("b", [2])]),
    ("d", ["vda": ("c", [0, 3]), "vdb": ("c", [0])]),
    ("e", ["vda": ("b", [0, 4]), "vdb": (nil, [0, 1])]),
  ]
  /// The points that have checksums.
  private static let summed = ["b", "c"]
  private static let made = Result { try Made() }

  let pool = FakeRepository()
  let documents = DocumentReader()
  let machine: FakeMachine
  let uuid = World.domainUUID
  /// The pool as it is without anything under way.
  let before: Made

  /// Makes the scene.
  ///
  /// - Parameter hasDomain: Whether the domain is defined, and has changed since `e`.
  /// - Throws: When its documents cannot be made.
  init(hasDomain: Bool = false) throws {
    before = try DeleteScene.made.get()
    pool.contents = before.contents
    machine = FakeMachine(pool: pool)
    guard hasDomain, let newest = before.manifests.last else { return }
    try machine.define(DeleteScene.definition)
    for (disk, content) in before.data["f"] ?? [:] {
      let path = "/images/\(disk).img"
      machine.files[path] = ChainImage(content).bytes
      let name = BitmapName(chain: newest.chain, point: newest.uuid, disk: disk).text
      machine.bitmaps[path] = [BlockDirtyInfo(name: name, persistent: true)]
    }
  }

  /// The pool, and what is in the points.
  struct Made {
    var contents: [String: [UInt8]] = [:]
    var manifests: [Manifest] = []
    /// The data that a guest would read, by the points' names and the disks.
    var data: [String: [String: [Int: String]]] = [:]

    fileprivate init() throws {
      for (number, point) in DeleteScene.points.enumerated() {
        let names = VolumeNames(domain: "web1", uuid: World.domainUUID, point: point.name)
        let disks = point.disks.sorted { $0.key < $1.key }.map { disk, layer in
          let parent = manifests.first { $0.name == layer.parent }
          let below = layer.parent.flatMap { data[$0]?[disk] } ?? [:]
          let labels = layer.clusters.map { ($0, "\(point.name) \(disk) \($0)") }
          let image = ChainImage(
            Dictionary(uniqueKeysWithValues: labels),
            on: parent?.disks.first { $0.name == disk }?.volume.name)
          contents[names.disk(disk)] = image.bytes
          data[point.name, default: [:]][disk] = below.merging(image.clusters) { $1 }
          return Manifest.Disk(
            name: disk, mode: parent == nil ? .full : .incremental, parent: parent?.uuid,
            reasonCode: parent == nil ? "new_disk" : nil, reason: parent == nil ? "new" : nil,
            capacity: ChainImage.capacity, format: "qcow2",
            volume: .init(name: names.disk(disk), size: 1))
        }
        let manifest = Manifest(
          name: point.name, uuid: World.makeUUID(0x100 + number), chain: World.makeUUID(0xc),
          sequence: number + 1, creationTime: 1_795_400_000, description: nil,
          parent: disks.compactMap(\.parent).max(), consistency: .crash, disks: disks,
          domainName: "web1", domainUUID: World.domainUUID, domainXML: DeleteScene.definition,
          inactiveDomainXML: nil)
        manifests.append(manifest)
        contents[names.manifest] = Array(try manifest.xml().utf8)
        guard DeleteScene.summed.contains(point.name) else { continue }
        var sums = Checksums(point: manifest.uuid)
        for disk in disks { sums.sums[disk.volume.name] = sum(of: contents[disk.volume.name]) }
        contents[VolumeNames.checksums(ofManifest: names.manifest)] = Array(sums.text.utf8)
      }
      // The next point, as the domain is now.
      data["f"] = data["e"]?.mapValues { content in
        content.merging([0: FakeQEMU.changed + "0", 6: FakeQEMU.changed + "6"]) { $1 }
      }
    }

    /// The text that the fakes have as the SHA-256 of a content.
    fileprivate func sum(of content: [UInt8]?) -> String? {
      let pool = FakeRepository()
      pool.contents["v"] = content
      return try? pool.sha256(of: "v") { _ in }
    }
  }

  static let definition = """
    <domain type='kvm'><name>web1</name><uuid>\(World.domainUUID)</uuid>\
    <os><type arch='x86_64'>hvm</type></os><devices>\
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
    <source file='/images/vda.img'/><target dev='vda' bus='virtio'/></disk>\
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
    <source file='/images/vdb.img'/><target dev='vdb' bus='virtio'/></disk></devices></domain>
    """

  // MARK: - What is left

  /// The faults that no moment may have: data that a listed point has not, and checksums that are not
  /// those of their volumes.
  var faults: [String] {
    guard let catalog else { return ["the pool cannot be read"] }
    var faults = catalog.broken.filter { !$0.isPartial }.map { "\($0.volume): \($0.reason)" }
    for point in catalog.points {
      let name = point.manifest.name
      faults += Inspection(catalog, in: pool).problems(of: point).map {
        "\(name): \($0.volume): \($0.text)"
      }
      for disk in point.manifest.disks {
        let wanted = before.data[name]?[disk.name]
        let chain = (try? catalog.chain(of: point, disk: disk.name))?.map(\.volume.name) ?? []
        if content(of: chain) != wanted { faults.append("\(name) \(disk.name): by the manifests") }
        if content(of: linked(disk.volume.name)) != wanted {
          faults.append("\(name) \(disk.name): by the images")
        }
      }
      let known = (try? catalog.checksums(of: point, in: pool))?.sums ?? [:]
      for volume in point.manifest.volumes.map(\.name) {
        guard let sum = known[volume], sum != before.sum(of: pool.contents[volume]) else {
          continue
        }
        faults.append("the checksum of \(volume)")
      }
    }
    return faults
  }

  private func content(of chain: [String]) -> [Int: String] {
    chain.reduce(into: [:]) { content, volume in
      let image = pool.contents[volume].flatMap(ChainImage.init)
      content.merge(image?.clusters ?? [-1: "\(volume) is no image"]) { upper, _ in upper }
    }
  }

  private func linked(_ volume: String) -> [String] {
    [volume] + (pool.contents[volume].flatMap(ChainImage.init)?.backing.map(linked) ?? [])
  }

  /// Names of the points that are listed, with the disks of those that have not all of them.
  var listed: [String] {
    (catalog?.points ?? []).map { point in
      let disks = point.manifest.disks.map(\.name)
      let isWhole = disks.count == before.data[point.manifest.name]?.count
      return point.manifest.name + (isWhole ? "" : " " + disks.joined(separator: " "))
    }
  }

  /// Finds volumes that are too many or are missing, once nothing is under way.
  ///
  /// - Parameter more: Volumes that are neither.
  /// - Returns: Their names, and those of helper domains that still run.
  func strays(besides more: Set<String> = []) -> [String] {
    var wanted = more
    for point in catalog?.points ?? [] {
      wanted.formUnion([point.manifestVolume] + point.manifest.volumes.map(\.name))
      if before.contents[point.checksumsVolume] != nil { wanted.insert(point.checksumsVolume) }
    }
    return wanted.symmetricDifference(pool.contents.keys).sorted() + machine.helpers.keys
  }
}
