// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
import QMP

/// The one way to end what was written.
///
/// QEMU keeps the tables of an image in memory until it is closed, and closing tells nobody what
/// went wrong. So everything is flushed before, by a command that fails where the flush does, and
/// while the copies can still be cancelled: a copy that was cancelled counts for nothing, whoever
/// looks at it.
extension Context {
  /// Has all that the copies of an operation wrote reach the storage, then ends these for good.
  ///
  /// Each image is flushed once. A second flush may succeed where the first one failed, since some
  /// errors are told only once: of several clients that settle one claims the flush by a bitmap on
  /// the image, and what was claimed and not done is given up.
  ///
  /// - Parameters:
  ///   - partial: The operation; all of its copies have copied what they had to.
  ///   - disks: The names of what is copied, in the order of the copies.
  ///   - guest: The domain whose QEMU copies.
  /// - Throws: ``BackupError`` with code `failed` that names the disk where it was not written, or
  ///   `busy` where another client ended the operation; nothing of it may be used then.
  package func endCopies(of partial: Partial, disks: [String], in guest: any Guest) throws {
    for (number, disk) in disks.enumerated() {
      do {
        try flushOnce(NodeNames(operation: partial.uuid, disk: number), of: partial, in: guest)
      } catch let error as QMPError {
        try cancelJobs(of: partial, in: guest)
        throw BackupError(.failed, failureText(disk: disk, error: error.desc, of: partial))
      }
    }
    try guest.monitor.finalizeJobs(of: partial)
    let jobs = try guest.monitor.jobs(of: partial)
    switch JobsState(of: jobs, disks: disks, operation: partial.uuid) {
    case .ready: return
    case .failed(let disk, let error):
      throw BackupError(.failed, failureText(disk: disk, error: error, of: partial))
    case .running, .missing: throw BackupError.endedElsewhere
    }
  }

  private func flushOnce(
    _ names: NodeNames, of partial: Partial, in guest: any Guest
  ) throws {
    let monitor = guest.monitor
    let owned = "\(names.flushing).\(process.owner.text)"
    var end = ContinuousClock.now + .seconds(Context.flushLimit)
    while true {
      let asked = ContinuousClock.now
      let nodes = try monitor.blockNodes().byName
      // Behind the flush of another client QEMU answers late, and that client's time begins then.
      if ContinuousClock.now - asked > .seconds(1) {
        end = ContinuousClock.now + .seconds(Context.flushLimit)
      }
      // Who closed it has flushed it before.
      guard let node = nodes[names.target] else { return }
      let claims = node.dirtyBitmaps?.compactMap(\.name) ?? []
      if claims.contains(names.flushed) { return }
      if !claims.contains(names.flushing) {
        do {
          try monitor.execute(
            .transaction([names.flushing, owned].map { .note($0, on: names.target) }))
        } catch let error as QMPError {
          // Another client may have been faster.
          guard ContinuousClock.now < end else { throw error }
          process.pause(20)
          continue
        }
        try flush(names, node, in: monitor)
        // The claim stays, so that nobody who looked before can make another.
        try monitor.execute(.transaction([.note(names.flushed, on: names.target)]))
        return
      }
      let owner = claims.first { $0.hasPrefix(names.flushing + ".") }.flatMap {
        Partial.Owner(text: $0.dropFirst(names.flushing.utf8.count + 1))
      }
      // The claim was seen before the time was over and may have changed since.
      guard asked < end, owner.map(process.liveness) != .dead else {
        throw QMPError(
          command: "blockdev-reopen", errorClass: "GenericError",
          desc: "the client that was ending it is gone")
      }
      process.pause(20)
    }
  }

  private func flush(_ names: NodeNames, _ node: BlockNode, in monitor: any Monitor) throws {
    let isEncrypted = node.driver == "luks" || node.image.isEncrypted == true
    try monitor.execute(
      .blockdevReopen(
        names.target, format: node.driver, file: names.targetFile, backing: nil, readOnly: false,
        keySecret: isEncrypted ? names.targetSecret : nil))
  }

  /// Seconds in which a client that has claimed a flush does what follows it: while it flushes,
  /// libvirt lets nobody else look.
  private static let flushLimit: Int64 = 15
}

extension BackupError {
  /// The operation was ended by another client in the middle of what we did.
  fileprivate static let endedElsewhere = BackupError(
    .busy, "another client ended the operation before it was complete; try again")
}

extension TransactionAction {
  /// A bitmap that records nothing: only that it is there counts.
  fileprivate static func note(_ name: String, on node: String) -> TransactionAction {
    .bitmapAdd(node: node, name: name, persistent: false, disabled: true, granularity: 1 << 30)
  }
}
