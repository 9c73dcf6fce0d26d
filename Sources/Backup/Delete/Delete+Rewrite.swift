// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

import BackupCore
import DomainXML

extension Delete {
  /// Replaces the manifest of a point; the delete's partial has it while it is not there.
  ///
  /// The description and the protection that a user gave the point meanwhile stay.
  ///
  /// Once the delete has ended, others rewrite or delete the point: nothing is written then.
  ///
  /// - Throws: ``BackupError`` with code `busy` where another client ended the delete, or `failed`;
  ///   what libvirt throws.
  func rewrite(_ manifest: Manifest, of pending: Catalog.Pending) throws {
    var manifest = manifest
    for index in manifest.disks.indices {
      manifest.disks[index].volume = try repository.measured(manifest.disks[index].volume)
    }
    let volume = manifest.volumeNames.manifest
    /// The content that is there, without the line ends that may fill it up.
    func text(_ bytes: [UInt8]) -> [UInt8] {
      Array(bytes.reversed().drop { $0 == UInt8(ascii: "\n") }.reversed())
    }
    func current() -> [UInt8]? {
      (try? Catalog.text(of: volume, in: repository)).map { text(Array($0.utf8)) }
    }
    var isWritten = false
    for _ in 0..<20 where !isWritten {
      let old = current()
      manifest.keepNotes(of: old)
      let content = Array(try manifest.xml().utf8)
      if old == text(content) {
        isWritten = true
        continue
      }
      do {
        try repository.replace(volume, content) {
          // The text first: who wrote it settles the delete too, if that is still there afterwards.
          let isSame = current() == old
          try journal.requireUnderWay(pending)
          guard isSame else { throw ChangedMeanwhile() }
        }
        isWritten = true
      } catch is ChangedMeanwhile {
        continue
      } catch let error as BackupError where error.code == .exists {
        // Another client that settles writes the same.
        guard context.pool.waitForManifest(manifest.uuid, in: volume) != nil else { throw error }
      }
    }
    context.pool.forgetManifest(in: volume)
    guard isWritten, context.pool.publishedManifest(manifest.uuid, in: volume) != nil else {
      throw BackupError(.failed, "the manifest '\(volume)' could not be written")
    }
  }
}

extension Manifest {
  /// Takes over what a user noted of the point, which is in the pool and may be newer than what a delete
  /// wrote down.
  ///
  /// - Parameter text: The manifest in the pool; nil where there is none, or what is there is not whole.
  fileprivate mutating func keepNotes(of text: [UInt8]?) {
    guard let text, let current = try? Manifest(parsing: String(decoding: text, as: UTF8.self)),
      current.uuid == uuid
    else { return }
    description = current.description
    isProtected = current.isProtected
  }
}

/// A volume that another client wrote since it was read.
private struct ChangedMeanwhile: Error {}
