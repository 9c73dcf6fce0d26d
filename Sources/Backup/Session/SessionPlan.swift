// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// What an NBD session of a running domain will be, decided before anything is made.
struct SessionPlan: Equatable {
  /// A disk of the plan.
  struct Disk: Equatable {
    /// What QEMU has for it, and what will be made.
    var view: FrozenView.Disk
    /// Name of its export.
    var export: String
    /// Why all counts although a parent was named.
    var reason: Reason?
  }

  /// The operation's UUID.
  var operation: String
  /// Name of the session.
  var name: String
  /// The disks, in the domain's order.
  var disks: [Disk]
  /// Disks that are left out, with the reason, for the user.
  var leftOut: [String]
  /// Whether the guest's writes do not depend on the scratch files.
  var isProtected: Bool
  /// What the QEMU that serves it can do.
  var support: ViewSupport

  /// What is exported.
  var view: FrozenView {
    FrozenView(disks: disks.map(\.view), isExported: true, support: support)
  }

  /// Tells that the guest has to stand still at the instant.
  var needsSuspension: Bool {
    isProtected ? view.needsSuspension : support.suspends && support.hasIOThreads
  }

  /// Starts a session whose guest is not protected, at one instant of all disks.
  ///
  /// Jobs save what the guest overwrites in scratch images that stand on the disks, as in libvirt's
  /// own pull mode backups. What changed is selected after it, as after ``FrozenView/insertFilters``.
  var startUnprotected: Command {
    .transaction(
      view.recordingStarted
        + disks.map {
          let names = $0.view.names
          return .blockdevBackup(
            BlockdevBackup(
              jobID: names.job, device: $0.view.live.node.nodeName, target: names.scratch,
              bitmap: nil, isCopyBeforeWrite: true, filterNodeName: names.jobFilter))
        })
  }

  /// Returns the node of a disk that clients read.
  func exported(_ disk: Disk) -> String {
    isProtected ? view.exported(disk.view) : disk.view.names.scratch
  }

  /// Decides what a session will be.
  ///
  /// - Parameters:
  ///   - options: What the user asked for.
  ///   - situation: The domain and the pool; its nodes and devices may be a helper's.
  ///   - isProtected: Whether the guest's writes do not depend on the scratch files.
  ///   - live: Finds what QEMU has for a disk of the domain.
  /// - Throws: ``BackupError`` when a disk, a parent or a name makes no sense.
  init(
    _ options: SessionOptions, in situation: Situation, isProtected: Bool = true,
    live: (DomainDefinition.Disk) throws -> LiveDisk
  ) throws {
    let domain = situation.definition
    let points = situation.catalog.points(of: domain.uuid)
    let selection = try DiskSelection(options.disks, in: domain, allowsPlaintext: true)
    let name = try SessionPlan.name(options.name, in: situation)
    let operation = situation.newUUID()
    let volumes = VolumeNames(domain: domain.name, uuid: domain.uuid, point: name)
    if !situation.support.servesIOThreads,
      let disk = selection.chosen.first(where: \.disk.hasIOThread)?.disk.target
    {
      throw BackupError(
        .invalid,
        "unsupported configuration: disk '\(disk)' has a thread of its own (<iothreads>), and the "
          + "domain's QEMU, older than 9.0, dies when a client of its NBD server leaves; "
          + "backup-create backs the disk up, and backup-start-nbd --stored serves that")
    }
    disks = try selection.chosen.enumerated().map { number, chosen in
      var live = try live(chosen.disk)
      live.isShareable = chosen.disk.isShareable
      let base = try SessionBase(
        live, request: chosen.request, options: options, situation: situation, points: points)
      let (export, changes) = options.exportNames(of: live.name)
      return Disk(
        view: .init(
          live: live, names: NodeNames(operation: operation, disk: number),
          bitmap: live.isShareable
            ? nil
            : SessionBitmapName(
              session: name, disk: live.name, images: live.sources.map(live.image(of:))
            ).text,
          bases: base.bitmaps, changes: changes,
          scratchVolume: options.scratchPlaces[live.name]?.name ?? volumes.scratch(live.name),
          scratchDirectory: options.scratchPlaces[live.name]?.directory ?? options.scratchDirectory,
          isEncrypted: chosen.disk.isEncrypted || options.encryptedScratch.contains(live.name)),
        export: export, reason: base.reason)
    }
    try SessionPlan.checkExports(disks.map { ($0.export, $0.view.changes) })
    self.operation = operation
    self.name = name
    leftOut = selection.leftOut
    self.isProtected = isProtected
    support = situation.support
  }

  /// Refuses names of exports and bitmaps that QEMU could not serve.
  static func checkExports(_ exports: [(name: String, bitmap: String)]) throws {
    var seen: Set<String> = []
    for (name, bitmap) in exports {
      guard seen.insert(name).inserted else {
        throw BackupError(.invalid, "two disks would be exported as '\(name)'")
      }
      // The NBD protocol's limit is 4096 bytes, with the context's prefix before a bitmap's name.
      for text in [name, bitmap]
      where text.isEmpty || text.utf8.count > 1000
        || text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
      {
        throw BackupError(.invalid, "'\(text)' cannot name an export or a bitmap")
      }
    }
  }

  /// The name of a session: the user's, or the time.
  static func name(_ wanted: String?, in situation: Situation) throws -> String {
    let domain = situation.definition
    let catalog = situation.catalog
    let finished = Set(situation.nodes.flatMap(\.sessionBitmaps).map(\.session))
    func isFree(_ name: String) -> Bool {
      let volumes = VolumeNames(domain: domain.name, uuid: domain.uuid, point: name)
      return !finished.contains(name)
        && !catalog.points(of: domain.uuid).contains { $0.manifest.name == name }
        && ([volumes.manifest, volumes.partial] + domain.disks.map { volumes.scratch($0.target) })
          .allSatisfy { !catalog.volumes.contains($0) }
    }
    if let wanted {
      guard Syntax.isBackupName(wanted) else { throw BackupError.invalidName(wanted) }
      guard isFree(wanted) else {
        throw BackupError(
          .exists,
          "operation failed: a session or backup '\(wanted)' of the domain already exists")
      }
      return wanted
    }
    return PointName.ofTime(situation.time, isFree: isFree)
  }
}
