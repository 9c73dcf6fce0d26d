// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// How what a live restore has pulled reaches the storage.
///
/// libvirt forgets what an image stood on as soon as all is pulled, and QEMU has much of that in
/// memory then: should the host or QEMU die, the image would be full of holes.
extension LiveRestore {
  /// Has all that was pulled reach the storage, and hears of what does not.
  ///
  /// - Throws: ``BackupError`` with code `failed` that names the disk; the same call goes on.
  func flushImages(
    of pending: Catalog.Pending, _ live: Partial.LiveRestore, in guest: any Guest
  ) throws {
    let partial = pending.partial
    for disk in live.disks {
      // Most of it, and while the guest goes on to read and write.
      let (directory, name) = Paths.split(disk.path)
      do {
        try hypervisor.repository(directory: directory).synchronize([name])
      } catch {
        throw BackupError.unflushed(disk, partial, "\(error)")
      }
    }
    let definition = try DomainDefinition(parsing: try guest.definition())
    let nodes = try guest.monitor.blockNodes().byName
    let names = NodeNames(operation: partial.uuid, disk: 0)
    // Also those of clients that were killed.
    defer { try? removeProbes(names, in: guest.monitor) }
    for disk in live.disks {
      let chain = definition.disks.first { $0.target == disk.name }?.chain ?? []
      // Of an image that was taken away QEMU has nothing any more.
      guard let index = chain.first(where: { $0.source == .file(disk.path) })?.index,
        let node = LiveDisk.node(index: index, among: nodes)
      else { continue }
      if let error = try flushError(of: node, names, in: guest.monitor) {
        throw BackupError.unflushed(
          disk, partial, error + context.fullness(of: disk.name, partial))
      }
    }
  }

  /// Flushes a node of a running guest, and changes nothing of it.
  ///
  /// `blockdev-reopen` flushes all nodes it is told before it looks at the first of them, and fails
  /// where that fails; what cannot be done with the first one then keeps it from touching the others.
  /// So the command always fails: the way it does without the node where the flush went well.
  ///
  /// Each client has a node of its own for that, which another one that is done may take away: then
  /// nothing is known, and it is done again.
  ///
  /// - Returns: Why it could not be flushed; nil where it was.
  private func flushError(
    of node: BlockNode, _ names: NodeNames, in monitor: any Monitor
  ) throws -> String? {
    func error(_ probe: String, flushing node: BlockNode?) throws -> String {
      do {
        try monitor.execute(
          .blockdevReopenNothing(
            probe: probe,
            besides: node.map { ($0.nodeName, $0.driver, LiveDisk.storageNode(of: $0.nodeName)) }))
      } catch let error as QMPError {
        return error.desc
      }
      throw BackupError(.failed, "QEMU does not tell whether what it writes is on disk")
    }
    for _ in 0..<20 {
      let probe = names.probe(of: process.newUUID())
      try monitor.execute(.blockdevAdd(.null(probe)))
      let expected = try error(probe, flushing: nil)
      let found = try error(probe, flushing: node)
      guard try monitor.blockNodes().byName[probe] != nil else { continue }
      return found == expected ? nil : found
    }
    throw BackupError(
      .failed, "other clients keep QEMU from telling whether what it writes is on disk")
  }

  private func removeProbes(_ names: NodeNames, in monitor: any Monitor) throws {
    for node in try monitor.blockNodes() where names.isProbe(node.nodeName) {
      try monitor.close(node.nodeName)
    }
  }

  /// Has the definition of a domain that died say again what its images stand on.
  ///
  /// libvirt forgot that when all was pulled, which need not have reached the disk. What did is read
  /// from the images all the same.
  func layerAgain(_ pending: Catalog.Pending, _ live: Partial.LiveRestore) throws {
    let uuid = pending.partial.domainUUID
    guard let text = try hypervisor.inactiveDefinition(uuid: uuid) else { return }
    let definition = try DomainDefinition(parsing: text)
    let owner = try hypervisor.imageOwner(of: definition)
    let freed = live.disks.filter { disk in
      definition.disks.contains {
        $0.target == disk.name && $0.chain.map(\.source) == [.file(disk.path)]
      }
    }
    guard !freed.isEmpty else { return }
    let layered = try LayeredDefinition(
      disks: freed.map { disk in
        .init(
          target: disk.name, path: disk.path,
          layers: try disk.backing.map {
            .init(
              path: repository.path(of: $0),
              keepsOwner: try repository.owner(of: $0).owner == owner?.owner)
          })
      }
    ).applied(to: text)
    // What somebody changed meanwhile stays.
    guard try hypervisor.inactiveDefinition(uuid: uuid) == text else {
      return try layerAgain(pending, live)
    }
    try hypervisor.define(layered)
  }
}

extension BackupError {
  /// What was pulled into an image of a live restore is not on disk.
  fileprivate static func unflushed(
    _ disk: Partial.LiveRestoreDisk, _ partial: Partial, _ why: String
  ) -> BackupError {
    BackupError(
      .failed,
      "the image '\(disk.path)' of domain '\(partial.domainName)' is not on disk yet: \(why); "
        + "backup-restore --live goes on")
  }
}
