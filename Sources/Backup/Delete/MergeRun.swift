// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// Removed images between an image that stays and what that will stand on: one merge, however many
/// they are.
struct MergeRun: Equatable {
  /// UUID of the point that stays.
  var point: String
  /// Name of the point that stays.
  var name: String
  /// UUID of the newest point of the run, on which it stood.
  var parent: String
  /// The images of the disk before the merge: the one that stays, the run, and what is below.
  var chain: [Manifest.Disk]
  /// Number of images in the run.
  var length: Int

  /// Finds the run below a disk of a point that stays; nil where the disk does not stand on anything
  /// that goes.
  ///
  /// - Parameters:
  ///   - child: The point.
  ///   - place: The disk's place among its disks.
  ///   - removed: What goes.
  ///   - catalog: The pool.
  /// - Throws: ``BackupError`` where the chain is broken, or an image of the run is smaller than both
  ///   that stay: merging would show what the shrinking hid.
  init?(_ child: Point, disk place: Int, removed: Removed, catalog: Catalog) throws {
    let disk = child.manifest.disks[place]
    guard let parent = disk.parent, removed.contains(parent, disk.name) else { return nil }
    let chain = try catalog.chain(of: child, disk: disk.name)
    point = child.manifest.uuid
    name = child.manifest.name
    self.parent = parent
    self.chain = chain
    length =
      chain.prefix { $0.parent.map { removed.contains($0, disk.name) } ?? false }.count
    for place in 1...length where hides(place) {
      let gone = chain[place - 1].parent.flatMap { catalog.point(uuid: $0)?.manifest.name } ?? ""
      throw BackupError(
        .failed,
        "disk '\(disk.name)' is smaller in backup '\(gone)' than in '\(name)' and in what it stands "
          + "on; --children deletes both")
    }
  }

  /// Tells that the end of an image hides what is in the one that stays below.
  ///
  /// The image that stays above shows zeroes there. What is hidden in the run itself is copied as such.
  private func hides(_ place: Int) -> Bool {
    chain[place].capacity < min(chain[0].capacity, base?.capacity ?? 0)
  }

  /// The images that go, the newest first.
  var gone: ArraySlice<Manifest.Disk> { chain[1...length] }

  /// The oldest image that goes.
  var oldest: Manifest.Disk { chain[length] }

  /// The image below the run, on which the disk will stand; nil where there is none.
  var base: Manifest.Disk? { length + 1 < chain.count ? chain[length + 1] : nil }

  /// The same as it is written down.
  var merge: Partial.DeleteMerge {
    .init(
      point: point, disk: chain[0].name, volume: chain[0].volume.name, parent: parent,
      backing: base?.volume.name)
  }
}

extension Manifest.Disk {
  /// Makes it stand on what the oldest image of a run stood on.
  mutating func takeOver(_ run: MergeRun) {
    parent = run.oldest.parent
    mode = run.oldest.mode
    reasonCode = run.oldest.reasonCode
    reason = run.oldest.reason
    if mode == .full { isDifferential = false }
  }
}
