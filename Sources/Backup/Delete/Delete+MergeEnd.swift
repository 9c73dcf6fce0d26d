// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// How merges end.
///
/// QEMU writes another backing file into an image at once, and the image's tables when it is closed:
/// what stands in the header proves nothing. So the image is flushed before, by a command that fails
/// where the flush does, and what counts is a note in the pool, which comes after that.
extension Delete {
  /// Ends the merges of a delete, which have copied what they had to.
  ///
  /// Of several clients that do so each may do all of it.
  ///
  /// - Throws: ``BackupError`` with code `failed` where a volume could not be written: the jobs are
  ///   cancelled then, and every point is what it was.
  func endMerge(_ pending: Catalog.Pending, in helper: any Guest) throws {
    let partial = pending.partial
    guard let delete = partial.delete else { return }
    let jobs = try helper.monitor.jobs(of: partial)
    let images = try mergingImages(delete.merges, in: helper)
    for (number, image) in images.enumerated() {
      let id = NodeNames(operation: partial.uuid, disk: number).job
      // Once it is finalized the image stands on another.
      let isLinked = jobs.first { $0.id == id }?.status == "concluded"
      do {
        try image.flush(isLinked: isLinked, in: helper.monitor)
      } catch let error as QMPError {
        // Another client may have flushed and finalized it in between.
        let now = try helper.monitor.jobs(of: partial).first { $0.id == id }
        if now?.status == "concluded", now?.error == nil { continue }
        try context.cancelJobs(of: partial, in: helper)
        throw failure(of: image.merge, error.desc, partial)
      }
    }
    try noteMerges(images.map(\.merge), of: pending)
    try helper.monitor.finalizeJobs(of: partial)
    let ended = try helper.monitor.jobs(of: partial)
    for (number, image) in images.enumerated() {
      let id = NodeNames(operation: partial.uuid, disk: number).job
      if let error = ended.first(where: { $0.id == id })?.error {
        throw failure(of: image.merge, error, partial)
      }
      do {
        // The header too, before what it named goes.
        try image.flush(isLinked: true, in: helper.monitor)
      } catch let error as QMPError {
        throw failure(of: image.merge, error.desc, partial)
      }
    }
  }

  private func failure(
    of merge: Partial.DeleteMerge, _ error: String, _ partial: Partial
  ) -> BackupError {
    BackupError(.failed, context.failureText(disk: merge.disk, error: error, of: partial))
  }

  /// What a helper has of the volumes that take over what they need, in the order of its jobs.
  private func mergingImages(
    _ merges: [Partial.DeleteMerge], in helper: any Guest
  ) throws -> [MergingImage] {
    let chains = HelperChain.all(
      in: try DomainDefinition(parsing: try helper.definition()),
      nodes: try helper.monitor.blockNodes())
    func source(_ volume: String) -> DomainDefinition.Source {
      .file(repository.path(of: volume))
    }
    return try chains.map { chain in
      guard let merge = merges.first(where: { source($0.volume) == chain.sources.first }),
        chain.nodes.count > 1
      else { throw BackupError(.failed, "the helper domain has not all disks") }
      let base = merge.backing.flatMap { chain.sources.firstIndex(of: source($0)) }
      return MergingImage(
        merge: merge, node: chain.nodes[0], file: chain.file, above: chain.nodes[1],
        base: base.map { chain.nodes[$0] })
    }
  }

  // MARK: - Giving up

  /// Ends a delete whose merges were not all done: what moved is written down, nothing goes.
  ///
  /// One that another client has ended stays as that client left it.
  ///
  /// - Throws: ``BackupError`` with code `busy` where a volume has another link already and nobody
  ///   noted that its data is on disk, as QEMU leaves it that was killed: the next command merges it
  ///   again.
  func undoMerge(_ pending: Catalog.Pending) throws {
    guard let delete = pending.partial.delete else { return }
    try hypervisor.endHelper(of: pending.partial)
    guard try journal.isUnderWay(pending) else { return }
    let noted = try notedMerges(of: pending)
    // Into a volume that is gone nothing has moved.
    let linked = Set(
      try delete.merges.filter { try repository.contains($0.volume) && isLinked($0) }
        .map(\.volume))
    guard linked.isSubset(of: noted) else {
      throw BackupError(
        .busy,
        "backup '\(pending.partial.pointName)' is merged in part; the next command goes on")
    }
    do {
      try rewriteMerged(pending, delete, linked: linked)
    } catch {
      guard try !journal.isUnderWay(pending) else { throw error }
    }
    try context.renewChecksums(of: Set(delete.merges.map(\.point)), for: pending)
    try journal.end(pending)
  }

  /// Writes down which volumes have what they need, and the others as they are.
  ///
  /// - Parameters:
  ///   - pending: The operation.
  ///   - delete: The delete that it is.
  ///   - linked: Names of the volumes that stand on what they are to stand on.
  /// - Throws: ``BackupError`` or what libvirt throws.
  private func rewriteMerged(
    _ pending: Catalog.Pending, _ delete: Partial.Delete, linked: Set<String>
  ) throws {
    let catalog = try catalog()
    for var manifest in delete.manifests {
      let merges = delete.merges.filter { $0.point == manifest.uuid }
      guard merges.contains(where: { linked.contains($0.volume) }) else { continue }
      for merge in merges where !linked.contains(merge.volume) {
        guard let index = manifest.disks.firstIndex(where: { $0.name == merge.disk }) else {
          continue
        }
        manifest.disks[index].parent = delete.parent(of: merge)
        manifest.disks[index].mode = .incremental
        manifest.disks[index].reasonCode = nil
        manifest.disks[index].reason = nil
      }
      manifest.parent = catalog.newestParent(of: manifest)
      try rewrite(manifest, of: pending)
    }
  }
}

/// A volume that takes over what it needs, as the helper's QEMU has it.
private struct MergingImage {
  /// What is merged.
  var merge: Partial.DeleteMerge
  /// Node of the image.
  var node: String
  /// Node of its file.
  var file: String
  /// Node of the image that it stands on before.
  var above: String
  /// Node of the one that it stands on afterwards; nil for none.
  var base: String?

  /// Flushes the image, and hears of what could not be written; it stays what it is.
  func flush(isLinked: Bool, in monitor: any Monitor) throws {
    try monitor.execute(
      .blockdevReopen(
        node, format: "qcow2", file: file,
        backing: isLinked ? base : above, readOnly: false))
  }
}
