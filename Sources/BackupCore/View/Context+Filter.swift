// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML
package import QMP

extension Context {
  /// Seconds to wait for a client that may be taking a filter off right now.
  ///
  /// Longer than a lost connection lives: a client that comes back later than that can send
  /// nothing any more.
  private static let claimLimit = 60

  /// Gives the device back the node that is below our filter now: a snapshot may have put a new one
  /// there.
  ///
  /// QEMU dies of an assertion, and the guest with it, when a device is given the node it has
  /// already. Clients that settle at once would do that sooner or later, so that the one that does
  /// it first claims it by a bitmap on the filter: only one client can make that, and it is gone
  /// with the filter.
  ///
  /// - Throws: ``BackupError`` with code `busy` when another client claimed it and does not do it.
  package func removeFilter(
    of disk: Partial.CreateDisk, names: NodeNames, definition: DomainDefinition,
    in monitor: any Monitor
  ) throws {
    let filter = names.filter, claim = names.claim
    func ownNode() throws -> String? {
      let node = try monitor.node(on: disk.device)
      return node == filter || node == names.relay ? node : nil
    }
    let end = ContinuousClock.now + .seconds(Context.claimLimit)
    while try ownNode() != nil {
      let owned = "\(claim).\(process.owner.text)"
      do {
        try monitor.execute(
          .transaction(
            [claim, owned].map {
              .bitmapAdd(
                node: filter, name: $0, persistent: false, disabled: true,
                granularity: BitmapName.granularity)
            }))
      } catch is QMPError {
        try waitForClaim(claim, on: filter, until: end, in: monitor)
        continue
      }
      // Commands that a client sent before it died may have been done only now.
      if try ownNode() == names.relay {
        try monitor.execute(.setDrive(device: disk.device, node: filter))
      }
      let nodes = try monitor.blockNodes().byName
      // The filter lets nobody else write to the disk as long as the relay stands on it.
      if nodes[names.relay] != nil { try monitor.close(names.relay) }
      let index = definition.disks.first { $0.target == disk.name }?.chain.first?.index
      let child = index.flatMap { LiveDisk.node(index: $0, among: nodes)?.nodeName } ?? disk.node
      guard try ownNode() == filter else { return }
      try monitor.execute(.setDrive(device: disk.device, node: child))
      return
    }
  }

  /// Waits a moment for the client that claimed a filter, or takes the claim from one that is gone.
  private func waitForClaim(
    _ claim: String, on filter: String, until end: ContinuousClock.Instant,
    in monitor: any Monitor
  ) throws {
    let claims = try monitor.blockNodes().first { $0.nodeName == filter }?.dirtyBitmaps ?? []
    guard let owned = claims.compactMap(\.name).first(where: { $0.hasPrefix(claim + ".") }) else {
      // The filter has gone, or refuses bitmaps for a reason that the next try tells.
      guard ContinuousClock.now < end else { throw Context.claimed }
      return process.pause(20)
    }
    let owner = Partial.Owner(text: owned.dropFirst(claim.utf8.count + 1))
    if owner == process.owner || owner.map(process.liveness) == .dead
      || ContinuousClock.now >= end
    {
      // Both or none: of two clients that find it abandoned one takes it away.
      _ = try? monitor.execute(
        .transaction([claim, owned].map { .bitmapRemove(node: filter, name: $0) }))
    } else {
      process.pause(20)
    }
  }

  private static let claimed = BackupError(
    .busy, "another client is ending the backup; try again")
}

extension Partial.Owner {
  /// The client in one word.
  package var text: String {
    let namespace = pidNamespace.map { "\(Partial.Owner.namespacePrefix)\($0)." } ?? ""
    return "\(pid).\(startTime).\(bootID).\(namespace)\(host)"
  }

  private static let namespacePrefix = "ns-"

  /// Reads what ``text`` wrote.
  package init?(text: some StringProtocol) {
    let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, let pid = Int32(parts[0]), let startTime = UInt64(parts[1]) else {
      return nil
    }
    let rest = parts[3].split(separator: ".", maxSplits: 1)
    let prefix = Partial.Owner.namespacePrefix
    let namespace =
      rest.count == 2 && rest[0].hasPrefix(prefix) ? UInt64(rest[0].dropFirst(prefix.count)) : nil
    self.init(
      host: namespace == nil ? String(parts[3]) : String(rest[1]),
      bootID: String(parts[2]), pid: pid, startTime: startTime, pidNamespace: namespace)
  }
}
