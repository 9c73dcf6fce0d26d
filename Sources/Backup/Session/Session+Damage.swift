// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// Whether what an NBD session serves is still the instant of its start.
///
/// Where what the guest overwrites cannot be saved, the guest goes on and the frozen state is lost.
/// A client that reads then gets errors at best; one that reads the scratch does not notice.
extension Session {
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
  /// Whichever client finds the job takes it on to its end: one that was killed may have left it. It
  /// is a mirror, since a backup job begins by waiting for all requests of the QEMU, and one to a
  /// scratch that hangs would never let the guest go on.
  ///
  /// Only who began a job cancels it when its time is over: so the failure of another's job says
  /// nothing. A job of our own may fail once because two clients have told it to end: a state that is
  /// broken fails each time.
  ///
  /// - Returns: Why that failed; nil where it did not, and where another client ends the session.
  private func readSample(_ names: NodeNames, in monitor: any Monitor) throws -> String? {
    let id = names.sampleJob
    let end = ContinuousClock.now + .milliseconds(Self.sampleLimit)
    var refusal: String?
    var isOwn = false, hasFailed = false
    var told: Set<String> = []
    while ContinuousClock.now < end {
      let job = try monitor.jobs().first { $0.id == id }
      do {
        switch job?.status {
        case nil:
          try monitor.execute(
            .blockdevMirror(
              jobID: id, device: names.sample, target: names.sampleTarget,
              filterNodeName: names.sampleFilter))
          isOwn = true
        case "ready":
          try monitor.endMirrors(among: [job].compactMap(\.self), told: &told)
        case "pending": try monitor.execute(.jobFinalize(id))
        case "concluded":
          try monitor.execute(.jobDismiss(id))
          guard let error = job?.error else { return nil }
          if isOwn, hasFailed { return error }
          hasFailed = hasFailed || isOwn
          isOwn = false
          told = []
        default: break
        }
      } catch let error as QMPError {
        // Another client may have been faster.
        refusal = error.desc
        guard try monitor.blockNodes().byName[names.sample] != nil else { return nil }
      }
      _ = try monitor.nextEvent(timeoutMilliseconds: 50)
    }
    if isOwn { _ = try? monitor.execute(.jobCancel(id)) }
    return refusal ?? "it cannot be read"
  }

  /// Refuses to end a session as good that does not serve the instant of its start any more, or of
  /// which that cannot be found out; it is ended as one whose reader failed.
  ///
  /// One that another client ends is not refused: what is missing then says nothing.
  ///
  /// - Throws: ``BackupError`` with code `failed`.
  func refuseDamaged(_ pending: Catalog.Pending) throws {
    let partial = pending.partial
    guard partial.helper == nil else { return }
    let guest = try hypervisor.guest(uuid: partial.domainUUID)
    let isThere = try guest?.monitor.blockNodes().contains {
      partial.id.owns($0.nodeName)
    }
    let damage =
      if let guest, isThere == true {
        try self.damage(of: partial, in: guest)
      } else {
        "its QEMU has ended"
      }
    guard let damage, try decision(on: pending) == nil,
      try endSession(pending, keepsBitmap: false) == false
    else { return }
    throw BackupError(
      .failed,
      "NBD session '\(partial.pointName)' cannot be shown to have kept the instant of its start "
        + "(\(damage)): what was read from it cannot be trusted, and it has been ended as with "
        + "--failed")
  }
}
