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
}
