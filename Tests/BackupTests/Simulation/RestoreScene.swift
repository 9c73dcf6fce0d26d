// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import Foundation
import QMP

@testable import Backup
@testable import BackupCore

/// A host, a pool with a point of a domain with two disks, an NVRAM and a TPM, and clients.
struct RestoreScene: MachineScene {
  private static let files = [
    "vda": "/images/vda.img", "vdb": "/images/vdb.img", "nvram": "/nvram/web1_VARS.fd",
  ]

  let pool = FakeRepository()
  let documents = DocumentReader()
  let machine: FakeMachine
  let uuid = World.domainUUID
  private let tpmPath = "/tpm/\(World.domainUUID)/tpm2/tpm2-00.permall"
  let manifest: Manifest
  /// The pool as it is without anything under way.
  private let points: [String: [UInt8]]
  /// The domain before; nil where it is gone.
  private var old: FakeMachine.Domain?

  /// Makes the scene.
  ///
  /// - Parameter exists: Whether the domain is there, with other disks, and is shut off.
  /// - Throws: When its documents cannot be made.
  init(exists: Bool) throws {
    machine = FakeMachine(pool: pool)
    let definition = RestoreScene.definition(disks: ["vda.img", "vdb.img"])
    let names = VolumeNames(domain: "web1", uuid: uuid, point: "p")
    func disk(_ name: String, _ format: String) -> Manifest.Disk {
      .init(
        name: name, mode: .full, parent: nil, reasonCode: "first", reason: "first",
        capacity: ChainImage.capacity, format: format,
        volume: .init(name: names.disk(name), size: 1))
    }
    manifest = Manifest(
      name: "p", uuid: World.makeUUID(0xb1), chain: World.makeUUID(0xc1), sequence: 1,
      creationTime: 1_795_400_000, description: nil, parent: nil, consistency: .crash,
      isAutostart: true, disks: [disk("vda", "qcow2"), disk("vdb", "raw")],
      nvram: .init(capacity: 4, volume: .init(name: names.nvram, size: 4)),
      tpm: .init(capacity: 4, volume: .init(name: names.tpm, size: 4)), domainName: "web1",
      domainUUID: uuid, domainXML: definition, inactiveDomainXML: nil)
    pool.put(names.manifest, try manifest.xml())
    for disk in manifest.disks {
      pool.contents[disk.volume.name] = ChainImage([0: "new \(disk.name)"]).bytes
    }
    pool.put(names.nvram, "new nvram")
    pool.put(names.tpm, "new tpm")
    points = pool.contents
    if exists {
      for (name, path) in RestoreScene.files { machine.files[path] = Array("old \(name)".utf8) }
      machine.files[tpmPath] = Array("old tpm".utf8)
      try machine.define(definition)
    }
    old = machine.domains[uuid]
  }

  static func definition(disks: [String], more: String = "") -> String {
    """
    <domain type='kvm'><name>web1</name><uuid>\(World.domainUUID)</uuid>\
    <os><type arch='x86_64'>hvm</type><nvram>/nvram/web1_VARS.fd</nvram></os>\(more)<devices>\
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
    <source file='/images/\(disks[0])'/><target dev='vda' bus='virtio'/></disk>\
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>\
    <source file='/images/\(disks[1])'/><target dev='vdb' bus='virtio'/></disk>\
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>\
    </devices></domain>
    """
  }

  /// The files with the state of the domain's TPM, and of the one that was kept.
  var tpmStates: [String] {
    let directory = Paths.split(tpmPath).directory
    return machine.files.paths(in: directory).compactMap { machine.files[$0] }
      .map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  /// Takes the domain, as it is, for the one before the restore.
  mutating func noteDomain() {
    if old != nil { old = machine.domains[uuid] }
  }

  // MARK: - What is left

  /// Tells what is neither the state before a restore nor the one after it.
  enum Outcome: Equatable {
    /// The domain, its disks and its state are those of before, or there are none.
    case old
    /// The domain, its disks and its state are those of the point.
    case new
    /// Something differs from both, and the text says what.
    case broken(String)
  }

  /// The outcome of what the clients did, in a pool that still has the point.
  var outcome: Outcome { outcome(points) }
  /// The outcome of what the clients did, of which one deleted the point.
  var outcomeWithoutPoint: Outcome { outcome([:]) }
  /// Tells that the point is gone.
  var isDeleted: Bool { pool.contents[manifest.volumeNames.manifest] == nil }

  private func outcome(_ expected: [String: [UInt8]]) -> Outcome {
    if pool.contents != expected {
      let names = Set(pool.contents.keys).symmetricDifference(expected.keys).sorted()
      return .broken("the pool: \(names)")
    }
    guard machine.helpers.isEmpty else { return .broken("helpers: \(machine.helpers.keys)") }
    let found = ["/images", "/nvram"].flatMap(machine.files.paths(in:))
    let texts = machine.domains[uuid].flatMap { try? DomainDefinition(parsing: $0.text) }
    let named = texts.map { definition in
      definition.disks.compactMap { disk -> String? in
        if case .file(let path) = disk.source { path } else { nil }
      } + [definition.nvram?.path].compactMap(\.self)
    }
    guard Set(found) == Set(named ?? []) else {
      return .broken("files: \(found), not \(named ?? [])")
    }
    // A domain that was shut off before, or was gone, may run or not.
    var now = machine.domains[uuid]
    if old?.running == nil { now?.running = nil }
    if now == old {
      let tpm = machine.files[tpmPath].map { String(decoding: $0, as: UTF8.self) }
      guard tpm == (old == nil ? nil : "old tpm") else { return .broken("the TPM") }
      guard old != nil else { return .old }
      let isOld = RestoreScene.files.allSatisfy { name, path in
        machine.files[path] == Array("old \(name)".utf8)
      }
      return isOld ? .old : .broken("the contents of the old files")
    }
    guard let named, machine.domains.count == 1 else {
      return .broken("domains: \(machine.domains)")
    }
    let wanted = manifest.volumes.prefix(3).map { points[$0.name] }
    guard named.map({ machine.files[$0] }) == wanted else {
      return .broken("the contents of the new files")
    }
    guard machine.files[tpmPath] == Array("new tpm".utf8) else {
      return .broken("the TPM")
    }
    return .new
  }
}
