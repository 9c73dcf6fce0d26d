// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML
import QMP

extension Engine {
  /// Takes back a create that will not be published.
  ///
  /// The base kept recording throughout, so the next backup misses nothing. A point whose manifest
  /// is there is never touched.
  ///
  /// - Throws: What libvirt or QEMU throws; the partial is still there then, and the next command
  ///   goes on.
  func undoCreate(_ pending: Catalog.Pending, guest: (any Guest)?) throws {
    guard
      case .create(let manifest, _, let isSuspended, let isFrozen) = pending.partial.operation
    else {
      return
    }
    let names = manifest.volumeNames
    guard try !isWhole(pending, manifest) else { return }
    // Copies have nothing but the partial that says that they are ours.
    if pending.partial.isCopy, try !repository.contains(pending.volume) { return }
    if let guest {
      if isSuspended, try isOurs(guest, pending.partial), try !guest.isRunning() {
        try guest.resume()
      }
      // Thawing what is not frozen does no harm.
      if isFrozen, try isOurs(guest, pending.partial) { try? guest.thaw() }
      try cancelJobs(of: pending.partial, in: guest)
      try takeDown(pending.partial, guest: guest)
      try dismissJobs(of: pending.partial, in: guest.monitor)
      try changeBitmaps(of: manifest, in: guest, isHelper: pending.partial.helper != nil) {
        try removeBitmaps(in: guest.monitor) { $0.point == manifest.uuid }
      }
    }
    try endHelper(of: pending.partial)
    if pending.partial.isCopy {
      try deleteTargets(of: pending)
    } else {
      // Half a manifest is ours; a whole one that is not of this point is somebody else's.
      if publishedManifest(nil, in: names.manifest) == nil { try repository.delete(names.manifest) }
      try discard(manifest.volumes.map(\.name))
    }
    try deleteScratch(of: pending.partial)
    try repository.delete(pending.volume)
    if pending.partial.isCopy { try forgetMade(pending) }
  }

  /// Whether the guest's QEMU is the one the operation began in, and it has not started to copy more
  /// than the NVRAM, which begins while the guest is held.
  private func isOurs(_ guest: any Guest, _ partial: Partial) throws -> Bool {
    let prefix = NodeNames.prefix(operation: partial.uuid)
    let nvram = partial.diskNames.firstIndex(of: VolumeNames.nvramDisk).map {
      NodeNames(operation: partial.uuid, disk: $0).job
    }
    return try jobs(of: partial, in: guest.monitor).allSatisfy { $0.id == nvram }
      && guest.monitor.blockNodes().contains { $0.nodeName.hasPrefix(prefix) }
  }

  /// Whether a volume is the whole manifest of a point.
  ///
  /// - Throws: When that cannot be found out, which is not the same as no.
  func isPublished(_ uuid: String, in volume: String) throws -> Bool {
    guard try repository.contains(volume) else { return false }
    let text = try Catalog.text(of: volume, in: repository)
    let manifest = try? Manifest(parsing: text)
    return manifest?.uuid == uuid
  }
}
