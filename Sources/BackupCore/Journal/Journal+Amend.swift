// This file is part of virsh-backup: backup and restore for libvirt domains.
// Copyright (C) 2026 the virsh-backup authors
//
// SPDX-License-Identifier: GPL-3.0-or-later

package import DomainXML

/// Changes of a manifest that is there already: of what a user notes, never of what it says of data.
extension Journal {
  /// The most times that a change is tried while other clients change the same manifest.
  private static let amendments = 20

  /// The most looks, one every 50 ms, at a point that another client may be about to delete.
  private static let looks = 40

  /// Amends the manifest of a point in place.
  ///
  /// A delete of the point may be written down at the same time. It looks for what keeps it from
  /// deleting after that, and this looks for deletes after it wrote: so at least one sees the other. A
  /// delete that saw the change takes back what it wrote down; one that did not goes on, and then the
  /// change is taken back.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - change: Makes the change; making it twice makes no difference.
  /// - Returns: The manifest as it is now.
  /// - Throws: ``BackupError`` with code `busy` while the point is being deleted, or `notFound` where it
  ///   was; `DomainXMLError` for a change that no document can have; what libvirt throws.
  package func amend(_ point: Point, _ change: (inout Manifest) -> Void) throws -> Manifest {
    // Elsewhere a manifest is written over in place, and who does that may be killed.
    guard hypervisor.canRename(in: repository.directory) else {
      throw BackupError(
        .invalid,
        "backup '\(point.manifest.name)' can be changed only on its host, by who may write to "
          + "'\(repository.directory)'")
    }
    let before = try rewrite(point, change)
    var look = 0
    while try isDoomedNow(point) {
      look += 1
      guard look < Journal.looks else {
        _ = try? rewrite(point, isTakenBack: true) {
          $0.isProtected = before.isProtected
          $0.description = before.description
        }
        throw beingDeleted(point)
      }
      process.pause(50)
    }
    guard let manifest = pool.publishedManifest(point.manifest.uuid, in: point.manifestVolume)
    else {
      throw gone(point)
    }
    return manifest
  }

  /// Rewrites a manifest, as often as it takes for nobody to come in between.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - isTakenBack: Whether it is rewritten also while the point is being deleted.
  ///   - change: Makes the change.
  /// - Returns: The manifest as it was.
  /// - Throws: As ``amend(_:_:)``.
  private func rewrite(
    _ point: Point, isTakenBack: Bool = false, _ change: (inout Manifest) -> Void
  ) throws -> Manifest {
    let volume = point.manifestVolume
    for _ in 0..<Journal.amendments {
      if !isTakenBack, try isDoomedNow(point) { throw beingDeleted(point) }
      guard let before = pool.waitForManifest(point.manifest.uuid, in: volume) else {
        throw gone(point)
      }
      var manifest = before
      change(&manifest)
      if manifest == before { return before }
      do {
        try repository.replace(volume, Array(try manifest.xml().utf8)) {
          guard pool.publishedManifest(point.manifest.uuid, in: volume) == before else {
            throw BackupError(.exists, "another client changed the manifest '\(volume)'")
          }
        }
        try repository.synchronize([volume])
        pool.forgetManifest(in: volume)
        return before
      } catch let error as BackupError where error.code == .exists {
        continue
      }
    }
    throw BackupError(
      .busy,
      "Requested operation is not valid: other clients are changing backup "
        + "'\(point.manifest.name)'; try again")
  }

  /// True if an operation that is written down by now deletes the point; the pool is read anew.
  private func isDoomedNow(_ point: Point) throws -> Bool {
    try pool.catalog(refresh: true).isDoomed(point.manifest.uuid)
  }

  private func beingDeleted(_ point: Point) -> BackupError {
    BackupError(
      .busy,
      "Requested operation is not valid: backup '\(point.manifest.name)' is being deleted; "
        + "see backup-jobinfo")
  }

  private func gone(_ point: Point) -> BackupError {
    BackupError(.notFound, "backup '\(point.manifest.name)' was deleted meanwhile")
  }
}
