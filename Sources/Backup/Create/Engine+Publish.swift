// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Makes the point of a create exist: its jobs are ready.
  ///
  /// Each step may be repeated, also by two clients at once.
  ///
  /// - Returns: The manifest as published.
  /// - Throws: ``BackupError`` with code `failed` where what was copied could not be written, or `busy`
  ///   where another client undoes it: it is for the caller to undo then.
  @discardableResult
  func publish(_ pending: Catalog.Pending, guest: any Guest) throws -> Manifest {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else {
      throw BackupError(.invalid, "not a backup")
    }
    try letGo(of: pending.partial, guest)
    try endCopies(of: pending.partial, disks: pending.partial.diskNames, in: guest)
    try takeDown(pending.partial, guest: guest)
    if pending.partial.isCopy {
      try synchronizeTargets(of: pending.partial)
      try decidePublish(pending)
    } else {
      try startRecording(pending.partial, manifest, in: guest)
    }
    return try complete(pending, manifest, guest: guest)
  }

  /// Makes the point of a create exist that was decided to be published: all of its images are whole
  /// and closed, whether or not the QEMU that wrote them is still there.
  ///
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws; the next command goes on.
  func publishDecided(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    guard case .create(let manifest, _, _, _) = pending.partial.operation else { return }
    if let guest { try takeDown(pending.partial, guest: guest) }
    _ = try complete(pending, manifest, guest: guest)
  }

  private func complete(
    _ pending: Catalog.Pending, _ manifest: Manifest, guest: (any Guest)?
  ) throws -> Manifest {
    if pending.partial.isCopy {
      try finishCopies(pending, guest: guest)
      return manifest
    }
    let published = try writeManifest(measured(manifest), of: pending)
    try finish(pending, manifest: published, guest: guest)
    return published
  }

  /// A manifest with the sizes of what was written.
  ///
  /// - Throws: ``BackupError`` with code `failed` where something was not.
  func measured(_ manifest: Manifest) throws -> Manifest {
    var manifest = manifest
    for index in manifest.disks.indices {
      manifest.disks[index].volume = try repository.measured(manifest.disks[index].volume)
    }
    if let nvram = manifest.nvram {
      manifest.nvram?.volume.size = try repository.allocation(of: nvram.volume.name)
    }
    if let tpm = manifest.tpm {
      guard try repository.contains(tpm.volume.name) else {
        throw BackupError(.failed, "the state of the TPM is not there")
      }
      manifest.tpm?.volume.size = try repository.allocation(of: tpm.volume.name)
      manifest.tpm?.capacity = UInt64(try stateOfTPM(in: tpm.volume.name).count)
    }
    return manifest
  }

  /// What remains to be done for a point that exists and is taken out of QEMU.
  func finish(_ pending: Catalog.Pending, manifest: Manifest, guest: (any Guest)?) throws {
    if pending.partial.isCopy { return try finishCopies(pending, guest: guest) }
    if let guest {
      try dismissJobs(of: pending.partial, in: guest.monitor)
      try changeBitmaps(of: manifest, in: guest, isHelper: pending.partial.helper != nil) {
        try dropSupersededBitmaps(by: manifest, in: guest.monitor)
      }
    }
    try endHelper(of: pending.partial)
    let forgotten = try catalog().forgotten[manifest.domainUUID] ?? []
    // A later operation's files are not ours to delete.
    guard try isUnderWay(pending) else { return }
    try deleteScratch(of: pending.partial)
    for note in forgotten { try repository.delete(note) }
    try forget(pending)
  }

  /// Decides that a create is published, writes the manifest and reads it back.
  ///
  /// Of two clients that do so at once one makes the volume and the other waits for its content. It is
  /// decided when nothing of it can fail any more.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client undoes it or ended it.
  func writeManifest(_ manifest: Manifest, of pending: Catalog.Pending) throws -> Manifest {
    let volume = manifest.volumeNames.manifest
    let content = Array(try manifest.xml().utf8)
    var isWritten = false
    for attempt in 0..<20 {
      if let published = publishedManifest(manifest.uuid, in: volume) {
        // Another client may have written it and not be sure of it yet.
        try repository.synchronize([volume])
        // Others may have finished it and deleted the point, or a user its images.
        guard try manifest.volumes.allSatisfy({ try repository.contains($0.name) }) else {
          if try isWritten || isUnderWay(pending) { try repository.delete(volume) }
          throw BackupError(.busy, "images of backup '\(manifest.name)' were deleted meanwhile")
        }
        return published
      }
      guard try isUnderWay(pending) else {
        // Another client may have published it since the look above.
        if let published = publishedManifest(manifest.uuid, in: volume) { return published }
        throw BackupError(.busy, "another client ended backup '\(manifest.name)'")
      }
      do {
        try repository.write(volume, content) { try decidePublish(pending) }
        isWritten = true
      } catch let error as BackupError where error.code == .exists {
        // Somebody is writing it, or died while doing so. It is replaced and not deleted: who was
        // only slow may have completed it since we looked, and goes by that.
        if waitForManifest(manifest.uuid, in: volume) == nil, attempt > 2 {
          try replaceUnwritten(volume, content, of: pending)
        }
      }
    }
    if let published = publishedManifest(manifest.uuid, in: volume) { return published }
    throw BackupError(.failed, "the manifest '\(volume)' could not be written")
  }

  /// Writes the manifest whose client died in the midst of that, unless it was only slow.
  private func replaceUnwritten(
    _ volume: String, _ content: [UInt8], of pending: Catalog.Pending
  ) throws {
    do {
      try repository.replace(volume, content) {
        try decidePublish(pending)
        guard publishedManifest(nil, in: volume) == nil else {
          throw BackupError(.exists, "volume '\(volume)' already exists")
        }
      }
    } catch let error as BackupError where error.code == .exists {
      guard let other = publishedManifest(nil, in: volume)?.uuid,
        case .create(let manifest, _, _, _) = pending.partial.operation, other != manifest.uuid
      else { return }
      throw error
    }
  }

  /// The manifest in a volume, if it is whole and of that point (nil: of any).
  func publishedManifest(_ uuid: String?, in volume: String) -> Manifest? {
    guard let text = try? Catalog.text(of: volume, in: repository),
      let manifest = try? Manifest(parsing: text), uuid == nil || manifest.uuid == uuid
    else { return nil }
    return manifest
  }

  func waitForManifest(_ uuid: String, in volume: String) -> Manifest? {
    for _ in 0..<20 {
      if let manifest = publishedManifest(uuid, in: volume) { return manifest }
      pause(milliseconds: 50)
    }
    return nil
  }

  /// Takes everything of a create or session out of QEMU but its jobs and bitmaps.
  func takeDown(_ partial: Partial, guest: any Guest) throws {
    let disks = partial.liveDisks
    let monitor = guest.monitor
    try removeExports(of: partial, in: monitor)
    if partial.session != nil {
      // What saves the guest's old data without protecting it, until nobody reads that any more.
      try cancelJobs(of: partial, in: guest)
      try dismissJobs(of: partial, in: monitor)
    }
    let prefix = NodeNames.prefix(operation: partial.uuid)
    try removeSecrets(of: partial, in: monitor)
    try removeDescriptorSets(in: monitor) { prefix.contains($0) }
    guard try monitor.blockNodes().contains(where: { $0.nodeName.hasPrefix(prefix) }) else {
      return
    }
    let definition = try DomainDefinition(parsing: try guest.definition())
    // Where there is no view, the disk itself has the bitmap that says what to copy.
    try removeBitmaps(in: monitor) { $0.hasPrefix(prefix) }
    for (number, disk) in disks.enumerated() {
      let names = NodeNames(operation: partial.uuid, disk: number)
      for node in [names.sample, names.sampleTarget] { try close(node, in: monitor) }
      // While the view reads through it, the filter lets nobody else write below it.
      try close(names.view, in: monitor)
      try removeFilter(
        names.filter, claim: names.claim, of: disk, definition: definition, in: monitor)
      for node in [
        names.filter, names.scratch, names.scratchFile, names.target, names.targetFile,
      ] {
        try close(node, in: monitor)
      }
      try closeLeftovers(of: disk, definition: definition, in: monitor)
    }
  }

  /// Closes what libvirt could not close when the disk was unplugged while our filter used it.
  private func closeLeftovers(
    of disk: Partial.CreateDisk, definition: DomainDefinition, in monitor: any Monitor
  ) throws {
    guard !definition.disks.contains(where: { $0.target == disk.name }) else { return }
    let parts = disk.node.split(separator: "-")
    guard parts.count == 3, parts[0] == "libvirt", let index = Int(parts[1]),
      !definition.disks.flatMap(\.chain).contains(where: { $0.index == index })
    else { return }
    for node in ["libvirt-\(index)-format", "libvirt-\(index)-storage"] {
      try close(node, in: monitor)
    }
  }

  /// Removes the bitmaps of the chain that a new point makes useless, disk by disk.
  private func dropSupersededBitmaps(by manifest: Manifest, in monitor: any Monitor) throws {
    let (bitmaps, catalog) = try settledBitmaps(in: monitor)
    let points = catalog.points(of: manifest.domainUUID)
    let disks = Dictionary(manifest.disks.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    // A point that was named as a parent may be named again, until a full follows.
    func isPinned(_ name: BitmapName) -> Bool {
      guard disks[name.disk]?.mode == .incremental, catalog.point(uuid: name.point) != nil else {
        return false
      }
      return points.contains { point in
        point.manifest.disks.contains {
          $0.name == name.disk && $0.isDifferential && $0.parent == name.point
        }
      }
    }
    let sequence = manifest.sequence
    try removeBitmaps(in: monitor) { name in
      guard bitmaps.contains(name), name.chain == manifest.chain, name.point != manifest.uuid,
        disks[name.disk] != nil
      else { return false }
      // A client that settles late must not touch what came after.
      if let point = catalog.point(uuid: name.point), point.manifest.sequence > sequence {
        return false
      }
      return !isPinned(name)
    }
  }
}
