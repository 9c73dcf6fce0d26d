// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Synchronization

@testable import Backup
@testable import BackupCore
@testable import QMP

/// A domain and a pool that exist nowhere: what a plan is made from.
struct World {
  /// A disk and what QEMU has for it.
  struct Disk {
    /// One image of its chain.
    struct Layer {
      var path: String
      var index: Int
      var bitmaps: [BlockDirtyInfo] = []
    }

    var target: String
    var format = "qcow2"
    var compat: String? = "1.1"
    var size: UInt64 = 1 << 30
    var actualSize: UInt64? = 1 << 20
    var device = "disk"
    var isBlockDevice = false
    var flags = ""
    /// More attributes of its driver.
    var driver = ""
    var snapshots: [String] = []
    /// The active layer first; none for an empty drive.
    var layers: [Layer]

    init(_ target: String, _ format: String = "qcow2", index: Int = 1) {
      self.target = target
      self.format = format
      layers = [Layer(path: "/images/\(target).img", index: index)]
    }
  }

  static let domainUUID = World.makeUUID(0xd0)

  var name = "web1"
  var uuid = World.domainUUID
  var disks: [Disk]
  var repository = FakeRepository()
  /// Nodes that are over the devices, by the disk's target.
  var filters: [String: String] = [:]
  var time: Int64 = 1_795_400_000
  /// What its QEMU can do.
  var support = ViewSupport()
  private let uuids = Counter()

  /// Numbers that are never given twice.
  private final class Counter: Sendable {
    private let last = Mutex(0)
    var next: Int {
      last.withLock {
        $0 += 1
        return $0
      }
    }
  }

  init(_ disks: Disk...) { self.disks = disks }

  static func makeUUID(_ number: Int) -> String {
    let hex = String(number, radix: 16)
    return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - hex.count) + hex
  }

  /// Decides what a backup would be.
  func plan(
    _ options: CreateOptions = .init(), isProtected: Bool = true
  ) throws -> CreatePlan {
    try CreatePlan(options, in: try situation(), isProtected: isProtected)
  }

  /// Decides what an NBD session would be.
  func session(_ options: SessionOptions, isProtected: Bool = true) throws -> SessionPlan {
    let nodesByName = nodes.byName
    return try SessionPlan(options, in: try situation(), isProtected: isProtected) { disk in
      try LiveDisk(disk, nodes: nodesByName, devices: devices)
    }
  }

  private func situation() throws -> Situation {
    let uuids = self.uuids
    return .init(
      definition: try DomainDefinition(parsing: definition), definitionText: definition,
      inactiveText: nil, nodes: nodes, devices: devices, catalog: try catalog(),
      support: support, time: time,
      newUUID: { World.makeUUID(uuids.next) })
  }

  func catalog() throws -> Catalog { try Catalog(of: repository) }

  /// Makes a backup as the engine would: manifest, volumes, bitmaps.
  @discardableResult
  mutating func make(_ name: String, _ options: CreateOptions = .init()) throws -> Manifest {
    var options = options
    options.name = name
    let plan = try plan(options)
    let volumes = VolumeNames(domain: self.name, uuid: uuid, point: name)
    repository.put(volumes.manifest, try plan.manifest.xml())
    for disk in plan.manifest.disks { repository.put(disk.volume.name, "data") }
    for disk in plan.disks {
      guard let place = disks.firstIndex(where: { $0.target == disk.live.name }) else { continue }
      disks[place].layers[0].bitmaps.append(
        BlockDirtyInfo(name: disk.bitmap, count: 65536, persistent: disk.live.keepsBitmaps))
    }
    time += 1
    return plan.manifest
  }

  /// Puts points below the newest one until its disks are made of so many.
  mutating func lengthen(to count: Int) throws {
    let points = try catalog().points(of: uuid)
    guard var newest = points.last?.manifest else { return }
    let volumes = VolumeNames(domain: name, uuid: uuid, point: newest.name)
    for number in points.count..<count {
      var point = newest
      point.uuid = World.makeUUID(0xf000 + number)
      point.name = "between\(number)"
      let names = VolumeNames(domain: name, uuid: uuid, point: point.name)
      for place in point.disks.indices {
        point.disks[place].volume.name = names.disk(point.disks[place].name)
        newest.disks[place].parent = point.uuid
        repository.put(point.disks[place].volume.name, "data")
      }
      newest.parent = point.uuid
      newest.sequence += 1
      repository.put(names.manifest, try point.xml())
    }
    repository.put(volumes.manifest, try newest.xml())
  }

  /// Starts and finishes a session as the engine would: its bitmaps stay.
  @discardableResult
  mutating func finishSession(_ options: SessionOptions) throws -> SessionPlan {
    let plan = try session(options)
    for disk in plan.disks {
      guard let place = disks.firstIndex(where: { $0.target == disk.view.live.name }) else {
        continue
      }
      disks[place].layers[0].bitmaps.append(
        BlockDirtyInfo(
          name: disk.view.bitmap, count: 65536, persistent: disk.view.live.keepsBitmaps))
    }
    time += 1
    return plan
  }

  /// The reasons of a plan's fulls, by disk.
  func reasons(_ options: CreateOptions = .init()) throws -> [String: String] {
    let disks = try plan(options).manifest.disks
    return Dictionary(
      disks.map { ($0.name, $0.reasonCode ?? $0.mode.rawValue) }, uniquingKeysWith: { $1 })
  }

  var definition: String {
    """
    <domain type='kvm' id='1'><name>\(name)</name><uuid>\(uuid)</uuid><devices>\
    \(disks.enumerated().map { xml($1, number: $0) }.joined())</devices></domain>
    """
  }

  var nodes: [BlockNode] {
    disks.flatMap { disk in
      disk.layers.map { layer in
        BlockNode(
          nodeName: "libvirt-\(layer.index)-format", driver: disk.format,
          image: ImageInfo(
            virtualSize: disk.size, actualSize: disk.actualSize,
            snapshots: disk.snapshots.isEmpty ? nil : disk.snapshots.map { .init(name: $0) },
            formatSpecific: disk.format == "qcow2"
              ? .init(type: "qcow2", compat: disk.compat) : nil),
          dirtyBitmaps: layer.bitmaps)
      }
    }
  }

  var devices: [BlockInfo] {
    disks.enumerated().map { number, disk in
      BlockInfo(
        qdev: "/machine/peripheral/virtio-disk\(number)/virtio-backend",
        inserted: disk.layers.first.map {
          .init(nodeName: filters[disk.target] ?? "libvirt-\($0.index)-format")
        })
    }
  }

  private func xml(_ disk: Disk, number: Int) -> String {
    var chain = "<backingStore/>"
    for layer in disk.layers.dropFirst().reversed() {
      chain =
        "<backingStore type='file' index='\(layer.index)'><format type='qcow2'/>"
        + "<source file='\(layer.path)'/>\(chain)</backingStore>"
    }
    let (type, attribute) = disk.isBlockDevice ? ("block", "dev") : ("file", "file")
    let source = disk.layers.first.map {
      "<source \(attribute)='\($0.path)' index='\($0.index)'/>"
    }
    return """
      <disk type='\(type)' device='\(disk.device)'><driver name='qemu' type='\(disk.format)'\(disk.driver)/>\
      \(source ?? "")\(chain)<target dev='\(disk.target)' bus='virtio'/>\(disk.flags)\
      <alias name='virtio-disk\(number)'/></disk>
      """
  }
}
