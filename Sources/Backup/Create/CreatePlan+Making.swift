// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import BackupCore
import DomainXML
import QMP

extension CreatePlan {
  /// Decides what a backup of a running domain will be.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - situation: The domain and the pool.
  ///   - isProtected: Whether the guest's writes do not depend on where the data goes.
  /// - Throws: As ``init(_:in:operation:isRunning:isProtected:live:)``.
  package init(
    _ options: CreateOptions, in situation: Situation, isProtected: Bool = true
  ) throws {
    let nodes = situation.nodes.byName
    try self.init(
      options, in: situation, operation: situation.newUUID(), isRunning: true,
      isProtected: isProtected
    ) {
      try LiveDisk($0, nodes: nodes, devices: situation.devices)
    }
  }

  /// Decides what a backup will be.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - situation: The domain and the pool.
  ///   - operation: The operation's UUID.
  ///   - isRunning: Whether the domain's own QEMU has the disks.
  ///   - isProtected: Whether the guest's writes do not depend on where the data goes.
  ///   - live: Finds what QEMU has for a disk of the domain.
  /// - Throws: ``BackupError`` when a disk, point or combination makes no sense, or where an
  ///   incremental was demanded and cannot be had.
  init(
    _ options: CreateOptions, in situation: Situation, operation: String, isRunning: Bool,
    isProtected: Bool = true, live: (DomainDefinition.Disk) throws -> LiveDisk
  ) throws {
    let hasView = isRunning && isProtected
    let domain = situation.definition
    let asked = options
    let options = try asked.merged(in: domain)
    let points = situation.catalog.points(of: domain.uuid)
    let name = try CreatePlan.name(for: options, in: situation, points: points)
    let selection = try DiskSelection(
      options.disks, in: domain, allowsPlaintext: options.allowsPlaintext)
    self.operation = operation
    leftOut = selection.leftOut
    let chain = points.last?.manifest.chain ?? situation.newUUID()
    let point = situation.newUUID()
    let volumes = VolumeNames(domain: domain.name, uuid: domain.uuid, point: name)

    let isForgotten = situation.catalog.forgotten[domain.uuid] != nil
    var planned: [Disk] = []
    var described: [Manifest.Disk] = []
    for (number, (disk, request)) in selection.chosen.enumerated() {
      var live = try live(disk)
      live.isShareable = disk.isShareable
      // The guest writes while a plain job begins.
      let isAtRisk =
        isRunning && !isProtected && !situation.support.suspends && disk.hasIOThread
      let base = try BaseChoice(
        live, request: options.resolved(request), points: points, chain: chain,
        catalog: situation.catalog, isForgotten: isForgotten, isPoint: request.target == nil,
        obstacle: live.isShareable ? .shared : isAtRisk ? .unprotectedThread : nil)
      if request.target == nil { chainLengths[live.name] = base.chainLength + 1 }
      planned.append(
        Disk(
          live: live, names: NodeNames(operation: operation, disk: number),
          bitmap: request.target == nil && !live.isShareable
            ? BitmapName(chain: chain, point: point, disk: live.name).text : nil,
          bases: base.bitmaps,
          baseVolume: base.parent?.manifest.disks.first { $0.name == live.name }?.volume.name,
          expectedBytes: base.expectedBytes,
          scratchVolume: hasView ? volumes.scratch(live.name) : nil,
          scratchDirectory: hasView ? options.scratchDirectory : nil, target: request.target))
      described.append(
        Manifest.Disk(
          name: live.name, mode: base.parent == nil ? .full : .incremental,
          parent: base.parent?.manifest.uuid, isDifferential: base.isDifferential,
          reasonCode: base.reason?.code, reason: base.reason?.text, capacity: live.capacity,
          format: live.format, volume: .init(name: volumes.disk(live.name), size: 0)))
    }
    isOffline = !isRunning
    self.isProtected = isProtected
    support = situation.support
    isCopy = planned.contains { $0.target != nil }
    guard !isCopy || options.compression == nil else {
      throw BackupError(
        .invalid, "unsupported configuration: copies to a <target> are not compressed")
    }
    compression = options.compression
    let state = isCopy ? StateSources() : situation.state
    leftOut += state.unsaved
    nvram = state.nvram.map {
      NVRAM(node: $0.node, names: NodeNames(operation: operation, disk: planned.count))
    }
    tpm = state.tpm
    // What is undone is deleted by name: every name must be ours alone from the start.
    let states = [(nvram != nil, volumes.nvram), (tpm != nil, volumes.tpm)].filter(\.0).map(\.1)
    let wanted = described.map(\.volume.name) + planned.compactMap(\.scratchVolume) + states
    if let taken = wanted.first(where: situation.catalog.volumes.contains) {
      throw BackupError(.exists, "volume '\(taken)' already exists in the pool")
    }
    disks = planned
    speed = JobSpeed.each(of: planned.count, within: options.bandwidth)
    let parents = Set(described.compactMap(\.parent))
    manifest = Manifest(
      name: name, uuid: point, chain: chain,
      sequence: CreatePlan.nextSequence(in: situation, points: points),
      creationTime: situation.time, description: options.description,
      parent: points.last(where: { parents.contains($0.manifest.uuid) })?.manifest.uuid,
      consistency: options.isQuiesced ? .filesystem : .crash,
      isAutostart: situation.isAutostart, disks: described,
      nvram: state.nvram.map {
        .init(capacity: $0.capacity, volume: .init(name: volumes.nvram, size: 0))
      },
      tpm: state.tpm.map { _ in .init(capacity: 0, volume: .init(name: volumes.tpm, size: 0)) },
      domainName: domain.name,
      domainUUID: domain.uuid,
      domainXML: situation.definitionText, inactiveDomainXML: situation.inactiveText)
    document = document(for: asked, in: domain, points: points)
  }

  /// One more than any sequence that was ever promised and is still known.
  private static func nextSequence(in situation: Situation, points: [Point]) -> Int {
    let promised = situation.catalog.pending(of: situation.definition.uuid).compactMap { pending in
      if case .create(let manifest, _, _, _) = pending.partial.operation {
        return manifest.sequence
      }
      return nil
    }
    return (points.map(\.manifest.sequence) + promised + [0]).reduce(0, max) + 1
  }

  private static func name(
    for options: CreateOptions, in situation: Situation, points: [Point]
  ) throws -> String {
    let domain = situation.definition
    func isFree(_ name: String) -> Bool {
      let volumes = VolumeNames(domain: domain.name, uuid: domain.uuid, point: name)
      return !points.contains { $0.manifest.name == name }
        && !situation.catalog.volumes.contains(volumes.manifest)
        && !situation.catalog.volumes.contains(volumes.partial)
    }
    if let name = options.name {
      guard Syntax.isBackupName(name) else {
        throw BackupError.invalidName(name)
      }
      guard isFree(name) else {
        let volume = VolumeNames(domain: domain.name, uuid: domain.uuid, point: name).manifest
        let other = situation.catalog.points.first {
          $0.manifestVolume == volume && $0.manifest.domainUUID != domain.uuid
        }
        let owner = other.map { " of " + Catalog.others([$0.manifest.domainUUID]) } ?? ""
        throw BackupError(
          .exists, "operation failed: domain backup \(name)\(owner) already exists")
      }
      return name
    }
    return PointName.ofTime(situation.time, isFree: isFree)
  }
}
