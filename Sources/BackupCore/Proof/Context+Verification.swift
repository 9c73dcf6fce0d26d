// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Writes the records of points, and deletes records and checksums along with their points.
extension Context {
  /// Writes a check into the record of a point.
  ///
  /// - Throws: What the repository throws.
  package func record(_ check: Verification.Check, of point: Point) throws {
    let volume = point.verificationVolume
    // Another point may have come to the name.
    guard pool.publishedManifest(point.manifest.uuid, in: point.manifestVolume) != nil else {
      return
    }
    var known =
      Verification(in: volume, of: point.manifest.uuid, repository)
      ?? Verification(point: point.manifest.uuid)
    known.note(check)
    try put(volume, try known.xml())
    // The point may have gone meanwhile, with all that was beside it.
    if try !repository.contains(point.manifestVolume) { try repository.delete(volume) }
  }

  /// Deletes what is beside the manifest of a point that was deleted; of one that stays with other disks
  /// what is known of those that went.
  ///
  /// - Throws: What the repository throws.
  package func discardProofs(of deleted: Partial.DeletePoint) throws {
    guard deleted.isKept else { return try discardProofs(besideManifest: deleted.manifest) }
    let volume = VolumeNames.checksums(ofManifest: deleted.manifest)
    if var checksums = try Checksums(in: volume, of: deleted.uuid, repository) {
      checksums.forget(Set(deleted.volumes))
      try put(volume, checksums.text)
    }
    try forgetRecord(
      of: Set(deleted.volumes), in: VolumeNames.verification(ofManifest: deleted.manifest),
      of: deleted.uuid)
  }

  /// Takes out of the record of a point what says nothing any more once volumes have changed or are gone.
  ///
  /// - Parameters:
  ///   - volumes: Names of the volumes.
  ///   - record: The volume with the record.
  ///   - uuid: The point.
  /// - Throws: What the repository throws.
  func forgetRecord(of volumes: Set<String>, in record: String, of uuid: String) throws {
    guard try repository.contains(record) else { return }
    if var known = Verification(in: record, of: uuid, repository) {
      known.forget(volumes)
      if !known.checks.isEmpty { return try put(record, try known.xml()) }
    }
    try repository.delete(record)
  }

  /// Deletes what is beside a manifest that is gone; where there is one again it is that one's.
  ///
  /// - Throws: What the repository throws.
  package func discardProofs(besideManifest manifest: String) throws {
    guard try !repository.contains(manifest) else { return }
    let names = [
      VolumeNames.checksums(ofManifest: manifest), VolumeNames.verification(ofManifest: manifest),
    ]
    for name in names where try repository.contains(name) { try repository.delete(name) }
  }

  /// Gives a small volume of ours its content, whether or not there is one.
  func put(_ volume: String, _ text: String) throws {
    let content = Array(text.utf8)
    if try !repository.contains(volume) {
      do {
        return try repository.write(volume, content)
      } catch let error as BackupError where error.code == .exists {
        // Another client was faster.
      }
    }
    try repository.replace(volume, content)
  }
}
