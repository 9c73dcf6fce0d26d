// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

/// The notes of merges: they say that a volume has on disk what it needs.
extension Delete {
  /// Notes that volumes have on disk what they need.
  func noteMerges(_ merges: [Partial.DeleteMerge], of pending: Catalog.Pending) throws {
    try journal.requireUnderWay(pending)
    let noted = try notedMerges(of: pending)
    let volumes = noted.union(merges.map(\.volume))
    guard volumes != noted else { return }
    let content = Array(volumes.sorted().map { $0 + "\n" }.joined().utf8)
    if noted.isEmpty {
      do {
        return try repository.write(pending.mergedNote, content)
      } catch let error as BackupError where error.code == .exists {
        // Another client is at it, or died in the midst of it.
      }
    }
    try repository.replace(pending.mergedNote, content)
  }

  /// Names of the volumes that are noted to have on disk what they need.
  func notedMerges(of pending: Catalog.Pending) throws -> Set<String> {
    guard let text = try Catalog.textIfThere(pending.mergedNote, in: repository) else { return [] }
    // One that was cut off names no volume.
    return Set(text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init))
  }

  /// Tells that the header of a volume names what it is to stand on.
  func isLinked(_ merge: Partial.DeleteMerge) throws -> Bool {
    let header = try Qcow2Header(
      parsing: try repository.read(merge.volume, offset: 0, length: Qcow2Header.length))
    return header.backingFile == merge.backing
  }
}
