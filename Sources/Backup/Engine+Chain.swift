// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import DomainXML

extension Engine {
  /// Checks that the images of a chain are what the manifests say, before anything is made of them.
  ///
  /// - Throws: ``BackupError`` that names the volume and what is wrong with it.
  func checkChain(_ chain: [Manifest.Disk], in catalog: Catalog) throws {
    for (place, disk) in chain.enumerated() {
      let parent = place + 1 < chain.count ? chain[place + 1] : nil
      do {
        try check(disk, standsOn: parent?.volume.name, or: catalog.merging[disk.volume.name])
      } catch let error as BackupError {
        throw BackupError(
          .failed, "volume '\(disk.volume.name)' cannot be used: \(error.description)")
      }
    }
  }

  // Where a delete is under way, `merged` says what the volume stands on once it has taken over what
  // it needs of its parent.
  private func check(
    _ disk: Manifest.Disk, standsOn parent: String?, or merged: Partial.DeleteMerge?
  ) throws {
    let header = try Qcow2Header(
      parsing: try repository.read(disk.volume.name, offset: 0, length: Qcow2Header.length))
    if header.isCorrupt { throw BackupError(.failed, "it is marked as corrupt") }
    if header.hasDataFile { throw BackupError(.failed, "its data is in another file") }
    if header.isEncrypted { throw BackupError(.failed, "it is encrypted") }
    guard header.capacity == disk.capacity else {
      throw BackupError(
        .failed, "it holds a disk of \(header.capacity) bytes, not \(disk.capacity)")
    }
    guard header.backingFile == parent || merged.map({ $0.backing == header.backingFile }) == true
    else {
      throw BackupError(
        .failed, "its backing file is '\(header.backingFile ?? "none")', not '\(parent ?? "none")'")
    }
  }
}
