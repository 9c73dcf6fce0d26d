// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// What becomes of the points that stand on one that is deleted alone.
struct Merged {
  /// Volumes that take over what they need.
  var merges: [Partial.DeleteMerge] = []
  /// The manifests as they will be.
  var manifests: [Manifest] = []
  /// What each of the volumes is made of before, its own first, by its place in ``merges``.
  var chains: [(disk: String, chain: [Manifest.Disk])] = []

  /// Nothing stands on it.
  init() {}

  /// Decides it.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - disks: Its disks that go; nil for all.
  ///   - catalog: The pool.
  /// - Throws: ``BackupError`` when a chain is broken, or an image of it is smaller than both its
  ///   neighbours: merging would show what the shrinking hid.
  init(_ point: Point, disks: Set<String>?, catalog: Catalog) throws {
    for child in catalog.children(of: point.manifest.uuid) {
      var manifest = child.manifest
      for index in manifest.disks.indices
      where manifest.disks[index].parent == point.manifest.uuid {
        let name = manifest.disks[index].name
        guard disks?.contains(name) ?? true else { continue }
        let chain = try catalog.chain(of: child, disk: name)
        guard chain.count > 1 else { continue }
        let gone = chain[1]
        let base = chain.count > 2 ? chain[2] : nil
        if let base, gone.capacity < min(base.capacity, chain[0].capacity) {
          throw BackupError(
            .failed,
            "disk '\(name)' is smaller in this backup than in '\(child.manifest.name)' and in what "
              + "it stands on; --children deletes both")
        }
        merges.append(
          .init(
            point: manifest.uuid, disk: name, volume: chain[0].volume.name,
            backing: base?.volume.name))
        chains.append((name, chain))
        manifest.disks[index].parent = gone.parent
        manifest.disks[index].mode = gone.mode
        manifest.disks[index].reasonCode = gone.reasonCode
        manifest.disks[index].reason = gone.reason
        if gone.mode == .full { manifest.disks[index].isDifferential = false }
      }
      guard manifest != child.manifest else { continue }
      manifest.parent = catalog.newestParent(of: manifest)
      manifests.append(manifest)
    }
  }
}

extension Catalog {
  /// UUID of the newest point that a disk of a point stands on.
  fileprivate func newestParent(of manifest: Manifest) -> String? {
    let parents = Set(manifest.disks.compactMap(\.parent))
    return points(of: manifest.domainUUID).last { parents.contains($0.manifest.uuid) }?
      .manifest.uuid
  }

  /// What is left of a point without some disks; nil where that is nothing.
  func rest(of point: Point, without disks: Set<String>?) -> Manifest? {
    guard let disks else { return nil }
    var manifest = point.manifest
    manifest.disks.removeAll { disks.contains($0.name) }
    manifest.parent = newestParent(of: manifest)
    return manifest.disks.isEmpty ? nil : manifest
  }
}

extension Delete {
  /// Copies into the volumes that stay what they need of those that go.
  ///
  /// A volume's content is the same at every moment, and its backing file is another only when all
  /// is copied and on disk. Whatever is killed, the same call goes on.
  ///
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func merge(_ pending: Catalog.Pending, deadline: ContinuousClock.Instant?) throws {
    guard let (helper, disks) = try startMerge(pending) else { return }
    defer { try? helper.destroy() }
    try context.wait(for: pending, disks: disks, in: helper, deadline: deadline)
    try endMerge(pending, in: helper)
  }

  /// Starts the copies of ``merge(_:deadline:)``.
  ///
  /// - Parameters:
  ///   - pending: The delete.
  ///   - outlivesClient: Whether they go on when our connection ends.
  /// - Returns: The helper that copies and the disks, in the order of its jobs; nil where all is
  ///   copied.
  /// - Throws: ``BackupError``, with code `busy` where another client ended the delete or merges;
  ///   `QMPError` or what libvirt throws. There is no helper of ours then.
  func startMerge(
    _ pending: Catalog.Pending, outlivesClient: Bool = false
  ) throws -> (helper: any Guest, disks: [String])? {
    guard case .delete(let delete) = pending.partial.operation, let first = delete.points.first
    else { return nil }
    guard try !isMergedElsewhere(pending) else {
      throw BackupError(
        .busy, "another client is at \(pending.partial.title); see backup-jobinfo")
    }
    try context.endHelper(of: pending.partial)
    // Other deletes may have rewritten what was read before.
    context.forgetManifests { $0.domainUUID == pending.partial.domainUUID }
    let catalog = try catalog()
    try context.requireUnderWay(pending)
    guard let point = catalog.point(uuid: first.uuid) else { return nil }
    let noted = try notedMerges(of: pending)
    let open = try delete.merges.filter { merge in
      // A manifest that has lost the disk was rewritten, which comes after the merges.
      try point.has(merge.disk) && !(noted.contains(merge.volume) && isLinked(merge))
    }
    guard !open.isEmpty else { return nil }
    let disks = try open.map { merge -> Context.HelperDisk in
      let rest = try catalog.chain(of: point, disk: merge.disk)
      let images = try ([merge.volume] + rest.map(\.volume.name)).map {
        try context.helperImage($0, format: "qcow2")
      }
      return (merge.disk, .init(chain: images, isReadOnly: false))
    }
    let held = try context.hold(
      disks, operation: pending.partial.uuid,
      domain: try DomainDefinition(parsing: point.manifest.domainXML),
      outlivesClient: outlivesClient)
    do {
      try context.requireUnderWay(pending)
      for (number, (merge, disk)) in zip(open, held.disks).enumerated() {
        try context.stopIfInterrupted()
        let names = NodeNames(operation: pending.partial.uuid, disk: number)
        try held.helper.monitor.execute(
          .blockStream(
            jobID: names.job, device: disk.node.nodeName,
            base: merge.backing == nil ? nil : disk.backing.dropFirst().first?.nodeName,
            backingFile: merge.backing, filterNodeName: names.jobFilter))
      }
    } catch {
      try? held.helper.destroy()
      throw error
    }
    return (held.helper, open.map(\.disk))
  }

  /// Replaces the manifest of a point; the delete's partial has it while it is not there.
  ///
  /// Once the delete has ended, others rewrite or delete the point: nothing is written then.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client ended the delete, or `failed`;
  ///   what libvirt throws.
  func rewrite(_ manifest: Manifest, of pending: Catalog.Pending) throws {
    var manifest = manifest
    for index in manifest.disks.indices {
      manifest.disks[index].volume = try repository.measured(manifest.disks[index].volume)
    }
    let volume = manifest.volumeNames.manifest
    let content = Array(try manifest.xml().utf8)
    /// The content that is there, without the line ends that may fill it up.
    func text(_ bytes: [UInt8]) -> [UInt8] {
      Array(bytes.reversed().drop { $0 == UInt8(ascii: "\n") }.reversed())
    }
    func current() -> [UInt8]? {
      (try? Catalog.text(of: volume, in: repository)).map { text(Array($0.utf8)) }
    }
    var isWritten = false
    for _ in 0..<20 where !isWritten {
      let old = current()
      if old == text(content) {
        isWritten = true
        continue
      }
      do {
        try repository.replace(volume, content) {
          // The text first: who wrote it settles the delete too, if that is still there afterwards.
          let isSame = current() == old
          try context.requireUnderWay(pending)
          guard isSame else { throw ChangedMeanwhile() }
        }
        isWritten = true
      } catch is ChangedMeanwhile {
        continue
      } catch let error as BackupError where error.code == .exists {
        // Another client that settles writes the same.
        guard context.waitForManifest(manifest.uuid, in: volume) != nil else { throw error }
      }
    }
    context.forgetManifest(in: volume)
    guard isWritten, context.publishedManifest(manifest.uuid, in: volume) != nil else {
      throw BackupError(.failed, "the manifest '\(volume)' could not be written")
    }
  }
}

/// A volume that another client wrote since it was read.
private struct ChangedMeanwhile: Error {}
