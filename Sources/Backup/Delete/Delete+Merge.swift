// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

extension Delete {
  /// Copies into the volumes that stay what they need of those that go.
  ///
  /// A volume's content is the same at every moment, and its backing file is another only when all
  /// is copied and on disk. Whatever is killed, the same call goes on.
  ///
  /// - Throws: ``BackupError``, `QMPError` or what libvirt throws.
  func merge(_ pending: Catalog.Pending, deadline: ContinuousClock.Instant?) throws {
    while let (helper, disks) = try startMerge(pending, deadline: deadline) {
      defer { try? helper.destroy() }
      try context.wait(for: pending, disks: disks, in: helper, deadline: deadline)
      try endMerge(pending, in: helper)
    }
  }

  /// Starts those copies of ``merge(_:deadline:)`` that can be made side by side: none writes what
  /// another reads.
  ///
  /// - Parameters:
  ///   - pending: The delete.
  ///   - outlivesClient: Whether they go on when our connection ends.
  ///   - deadline: When to give up comparing what is merged with its checksums; nil for never.
  /// - Returns: The helper that copies and the disks, in the order of its jobs; nil where all is
  ///   copied.
  /// - Throws: ``BackupError``, with code `busy` where another client ended the delete or merges;
  ///   `QMPError` or what libvirt throws. There is no helper of ours then.
  func startMerge(
    _ pending: Catalog.Pending, outlivesClient: Bool = false,
    deadline: ContinuousClock.Instant? = nil
  ) throws -> (helper: any Guest, disks: [String])? {
    guard let delete = pending.partial.delete else { return nil }
    guard try !isMergedElsewhere(pending) else {
      throw BackupError(
        .busy, "another client is at \(pending.partial.title); see backup-jobinfo")
    }
    try hypervisor.endHelper(of: pending.partial)
    // Other deletes may have rewritten what was read before.
    context.pool.forgetManifests { $0.domainUUID == pending.partial.domainUUID }
    let catalog = try catalog()
    try journal.requireUnderWay(pending)
    let round = OpenMerge.round(of: try openMerges(of: delete, pending, in: catalog))
    guard let first = round.first else { return nil }
    let disks = try round.map { open -> HelperDomain.Disk in
      let images = try open.chain.map { try repository.helperImage($0, format: "qcow2") }
      return (open.merge.disk, .init(chain: images, isReadOnly: false))
    }
    // Whatever is merged gets a new checksum, with which damage would be taken for what was backed up.
    try context.refuseAltered(
      round.flatMap { open in open.chain.prefix { $0 != open.merge.backing } },
      advice: "backup-verify shows which backups stand on it", deadline: deadline)
    try journal.requireUnderWay(pending)
    try context.withholdProofs(
      of: Dictionary(grouping: delete.merges, by: \.point).mapValues { Set($0.map(\.volume)) })
    let held = try HelperDomain.start(
      disks, operation: pending.partial.uuid,
      domain: try DomainDefinition(parsing: first.domainXML), outlivesClient: outlivesClient,
      in: context)
    do {
      try journal.requireUnderWay(pending)
      for (number, (open, disk)) in zip(round, held.disks).enumerated() {
        try observer.stopIfInterrupted()
        let names = NodeNames(operation: pending.partial.uuid, disk: number)
        try held.guest.monitor.execute(
          .blockStream(
            jobID: names.job, device: disk.node.nodeName,
            base: try open.merge.backing.map { try node(of: $0, in: disk) },
            backingFile: open.merge.backing, filterNodeName: names.jobFilter))
      }
    } catch {
      try? held.end()
      throw error
    }
    return (held.guest, round.map(\.merge.disk))
  }

  /// The merges of a delete that are not done.
  private func openMerges(
    of delete: Partial.Delete, _ pending: Catalog.Pending, in catalog: Catalog
  ) throws -> [OpenMerge] {
    let noted = try notedMerges(of: pending)
    return try delete.merges.compactMap { merge in
      // A manifest that is gone or has lost the disk comes after the merges.
      guard let below = catalog.point(uuid: delete.parent(of: merge)), below.has(merge.disk),
        try !(noted.contains(merge.volume) && isLinked(merge))
      else { return nil }
      let rest = try catalog.chain(of: below, disk: merge.disk)
      return OpenMerge(
        merge: merge, chain: [merge.volume] + rest.map(\.volume.name),
        domainXML: below.manifest.domainXML)
    }
  }

  /// The node that a helper's QEMU has for a volume of a chain.
  private func node(of volume: String, in disk: LiveDisk) throws -> String {
    let place = disk.sources.firstIndex(of: .file(repository.path(of: volume)))
    let nodes = [disk.node] + disk.backing
    guard let place, place < nodes.count else {
      throw BackupError(.failed, "the helper domain has not all disks")
    }
    return nodes[place].nodeName
  }

  /// Replaces the manifest of a point; the delete's partial has it while it is not there.
  ///
  /// The description and the protection that a user gave the point meanwhile stay.
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
      manifest.keepNotes(of: old)
      let content = Array(try manifest.xml().utf8)
      if old == text(content) {
        isWritten = true
        continue
      }
      do {
        try repository.replace(volume, content) {
          // The text first: who wrote it settles the delete too, if that is still there afterwards.
          let isSame = current() == old
          try journal.requireUnderWay(pending)
          guard isSame else { throw ChangedMeanwhile() }
        }
        isWritten = true
      } catch is ChangedMeanwhile {
        continue
      } catch let error as BackupError where error.code == .exists {
        // Another client that settles writes the same.
        guard context.pool.waitForManifest(manifest.uuid, in: volume) != nil else { throw error }
      }
    }
    context.pool.forgetManifest(in: volume)
    guard isWritten, context.pool.publishedManifest(manifest.uuid, in: volume) != nil else {
      throw BackupError(.failed, "the manifest '\(volume)' could not be written")
    }
  }
}

extension Manifest {
  /// Takes over what a user noted of the point, which is in the pool and may be newer than what a delete
  /// wrote down.
  ///
  /// - Parameter text: The manifest in the pool; nil where there is none, or what is there is not whole.
  fileprivate mutating func keepNotes(of text: [UInt8]?) {
    guard let text, let current = try? Manifest(parsing: String(decoding: text, as: UTF8.self)),
      current.uuid == uuid
    else { return }
    description = current.description
    isProtected = current.isProtected
  }
}

/// A volume that another client wrote since it was read.
private struct ChangedMeanwhile: Error {}
