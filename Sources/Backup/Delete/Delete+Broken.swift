// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Delete {
  /// As ``Engine/deleteBroken(_:)``.
  func deleteBroken(_ broken: Catalog.Broken) throws {
    let catalog = try catalog()
    guard catalog.broken.contains(broken) else {
      throw BackupError(.notFound, "there is no such manifest any more")
    }
    guard !broken.isNewer else {
      throw BackupError(.invalid, "\(broken.reason); delete it by the program that wrote it")
    }
    for pending in catalog.pending {
      let isWritten =
        switch pending.partial.operation {
        case .create(let manifest, _, _, _): manifest.volumeNames.manifest == broken.volume
        case .delete(let delete):
          delete.manifests.contains { $0.volumeNames.manifest == broken.volume }
        default: false
        }
      guard !isWritten else { throw BackupError.occupied(by: pending.partial) }
    }
    let text = (try? Catalog.text(of: broken.volume, in: repository)) ?? ""
    let owned = Set(
      catalog.points.flatMap { [$0.manifestVolume] + $0.manifest.volumes.map(\.name) }
        + catalog.pending.map(\.volume) + catalog.broken.map(\.volume))
    try repository.delete(broken.volume)
    try context.discardProofs(besideManifest: broken.volume)
    for volume in catalog.volumes.subtracting(owned).sorted() where text.contains("'\(volume)'") {
      observer.notice(
        "volume '\(volume)' is left: no backup has it any more, and vol-delete deletes it")
    }
  }
}
