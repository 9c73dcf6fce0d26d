// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

/// Whether what an NBD session serves is still the instant of its start.
///
/// Where what the guest overwrites cannot be saved, the guest goes on and the frozen state is lost.
/// A client that reads then gets errors at best; one that reads the scratch does not notice.
extension Engine {
  /// Milliseconds that the sample of a disk may take: it is one read of at most one cluster.
  private static let sampleLimit = 15_000

  /// Returns why a session does not serve the instant of its start any more.
  ///
  /// A job copies the first cluster of each frozen state to nowhere: the filter refuses every read
  /// once it could not save something (`copy-before-write`, `break-snapshot`).
  ///
  /// - Parameters:
  ///   - partial: The session.
  ///   - guest: The domain whose QEMU serves it.
  /// - Returns: What QEMU says, with the disk; nil where all is well, or where the disks stand still.
  /// - Throws: `QMPError` or what libvirt throws.
  func damage(of partial: Partial, in guest: any Guest) throws -> String? {
    guard partial.helper == nil else { return nil }
    let nodes = try guest.monitor.blockNodes().byName
    for (number, disk) in partial.liveDisks.enumerated() {
      let names = NodeNames(operation: partial.uuid, disk: number)
      let error =
        nodes[names.sample] == nil
        ? try guest.monitor.jobs().first { $0.id == names.job }?.error
        : try readSample(names, in: guest.monitor)
      if let error { return "disk '\(disk.name)': \(error)" }
    }
    return nil
  }

  /// Reads the first cluster of a frozen state.
  ///
  /// - Returns: Why that failed; nil where it did not.
  private func readSample(_ names: NodeNames, in monitor: any Monitor) throws -> String? {
    let id = names.sampleJob(process.owner.pid)
    let end = ContinuousClock.now + .milliseconds(Engine.sampleLimit)
    let command = Command.transaction([
      .blockdevBackup(
        BlockdevBackup(
          jobID: id, device: names.sample, target: names.sampleTarget, bitmap: nil,
          filterNodeName: names.sampleFilter))
    ])
    while true {
      do {
        try monitor.execute(command)
        break
      } catch let error as QMPError {
        // Another client reads it at this moment.
        guard ContinuousClock.now < end else { return error.desc }
        pause(milliseconds: 50)
      }
    }
    defer { _ = try? monitor.execute(.jobDismiss(id)) }
    while ContinuousClock.now < end {
      guard let job = try monitor.jobs().first(where: { $0.id == id }) else { break }
      if job.status == "pending" { try monitor.execute(.jobFinalize(id)) }
      if job.status == "concluded" { return job.error }
      _ = try monitor.nextEvent(timeoutMilliseconds: 50)
    }
    _ = try? monitor.execute(.jobCancel(id))
    return "it cannot be read"
  }

  /// Refuses to end a session as good that does not serve the instant of its start any more, or of
  /// which that cannot be found out; it is ended as one whose reader failed.
  ///
  /// - Throws: ``BackupError`` with code `failed`.
  func refuseDamaged(_ pending: Catalog.Pending) throws {
    let partial = pending.partial
    guard partial.helper == nil, try !repository.contains(pending.mark) else { return }
    let guest = try hypervisor.guest(uuid: partial.domainUUID)
    let isThere = try guest?.monitor.blockNodes().contains {
      $0.nodeName.hasPrefix(NodeNames.prefix(operation: partial.uuid))
    }
    let damage =
      if let guest, isThere == true {
        try self.damage(of: partial, in: guest)
      } else {
        "its QEMU has ended"
      }
    guard let damage else { return }
    try endSession(pending, keepsBitmap: false)
    throw BackupError(
      .failed,
      "NBD session '\(partial.pointName)' cannot be shown to have kept the instant of its start "
        + "(\(damage)): what was read from it cannot be trusted, and it has been ended as with "
        + "--failed")
  }
}
