// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML
import QMP

/// The bitmaps of a domain that is shut off: its helper has the images open read-only.
extension Create {
  /// Has the images record what changes from now on, for a point of a domain that is shut off.
  ///
  /// Nothing changed since the copies began: the helper has the images.
  ///
  /// - Throws: ``BackupError`` or what libvirt throws; bitmaps that QEMU refuses are only told.
  func startRecording(_ partial: Partial, _ manifest: Manifest, in guest: any Guest) throws {
    guard partial.helper != nil else { return }
    let helper = try HelperDomain(guest, disks: manifest.disks.map(\.name))
    let actions = helper.disks.compactMap { disk -> TransactionAction? in
      // Another client may have come as far as this.
      guard disk.keepsBitmaps, !has(disk, bitmapOf: manifest) else { return nil }
      return .bitmapAdd(
        node: disk.node.nodeName, name: bitmap(of: manifest, disk), persistent: true,
        granularity: BitmapName.granularity)
    }
    guard !actions.isEmpty else { return }
    do {
      try helper.whileWritable(helper.disks) {
        try guest.monitor.execute(.transaction(actions))
      }
    } catch let error as QMPError {
      // An attempt to start the domain takes the images' owner away from the helper, for instance.
      // The images go on to record what they record since earlier points.
      observer.notice(
        "the images do not record what changes from now on (\(error.desc)): the next backup stands "
          + "on an earlier one, or is full")
    }
  }

  /// Does something to the bitmaps of a point's disks.
  ///
  /// Where a helper has them open read-only, only the images that have the point's own bitmap are
  /// made writable: the others have nothing to change.
  ///
  /// - Parameters:
  ///   - manifest: The point.
  ///   - guest: The domain, or the helper that has its disks.
  ///   - isHelper: Whether it is a helper.
  ///   - work: What is done.
  /// - Throws: ``BackupError`` or what libvirt throws; what QEMU refuses in a helper is only told.
  func changeBitmaps(
    of manifest: Manifest, in guest: any Guest, isHelper: Bool, _ work: () throws -> Void
  ) throws {
    guard isHelper else { return try work() }
    let helper = try HelperDomain(guest, disks: manifest.disks.map(\.name))
    let disks = helper.disks.filter { has($0, bitmapOf: manifest) }
    guard !disks.isEmpty else { return }
    do {
      try helper.whileWritable(disks, work)
    } catch let error as QMPError {
      // Bitmaps that stay do no harm: their names say what they are of.
      observer.notice("earlier records of changes stay in the images (\(error.desc))")
    }
  }

  private func bitmap(of manifest: Manifest, _ disk: LiveDisk) -> String {
    BitmapName(chain: manifest.chain, point: manifest.uuid, disk: disk.name).text
  }

  private func has(_ disk: LiveDisk, bitmapOf manifest: Manifest) -> Bool {
    let name = bitmap(of: manifest, disk)
    return disk.node.dirtyBitmaps?.contains { $0.name == name } == true
  }
}
